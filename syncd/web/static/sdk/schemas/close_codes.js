export const GOING_AWAY = 1001;
export const ABNORMAL = 1006;
export const MESSAGE_TOO_BIG = 1009;
export const INTERNAL_ERROR = 1011;
export const SERVICE_RESTART = 1012;
export const DRAINING = 4000;
export const UNAVAILABLE = 4001;
export const TOO_SLOW = 4002;
export const NO_HELLO = 4003;
export const REPLACED = 4004;
export const BUG = 4099;
export const POSITION_LOST = 4100;
export const WRITER_OUTDATED = 4101;
export const LOGIN_EXPIRED = 4200;
export const LOGIN_REVOKED = 4201;
export const UNREADABLE = 4500;
export const UNEXPECTED_HELLO = 4501;
export const WRONG_FORMAT = 4502;
export const THEN_OF = {
    "1001": "resume",
    "1006": "resume",
    "1009": "stay_away",
    "1011": "resume",
    "1012": "resume",
    "4000": "resume",
    "4001": "resume",
    "4002": "resume",
    "4003": "resume",
    "4004": "resume",
    "4099": "resume",
    "4100": "snapshot",
    "4101": "renew_writer",
    "4200": "renew_login",
    "4201": "renew_login",
    "4500": "stay_away",
    "4501": "stay_away",
    "4502": "stay_away",
};
export const THEN_OF_FAMILY = { "40": "resume", "41": "snapshot", "42": "renew_login", "45": "stay_away" };
export const OTHERWISE = "resume";
