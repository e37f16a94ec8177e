// Where the player begins: signs in, opens the device, shows the account.

import { Device, readLink } from "../sdk/index.js";
import { html, render } from "../ui.js";
import { Account, AccountProvider } from "./account.js";
import { App } from "./app.js";
import { Listening } from "./listening.js";
import { dropToken, keepToken, keptToken, Login, storeOf } from "./login.js";
import { bindMediaSession } from "./media_session.js";
import { contexts, radio } from "./playing.js";
import { SignInPage } from "./sign_in_page.js";
import { Speaker } from "./speaker.js";

const root = /** @type {HTMLElement} */ (document.getElementById("root"));

/** Take a token out of the address, where a link has put it: addresses are kept in histories. */
function tokenInAddress() {
  const link = location.hash.includes("token=") ? readLink(location.href) : null;
  if (link === null) return null;
  history.replaceState(null, "", location.pathname);
  return link.token;
}

async function open(token) {
  const store = storeOf(token);
  /** @type {Account} */
  let account;
  const device = await Device.open({
    url: location.origin, token, store, client: "syncd-web/1", contexts,
    radio: (context) => (account.device.settings.get("autoplay") === true ? radio(context) : null),
  });
  account = new Account(device);
  account.login = new Login(token);
  const listening = new Listening(account);
  account.speaker = new Speaker(account, store, listening);
  const unbind = bindMediaSession(account);
  const leave = async (why) => {
    unbind();
    account.speaker.close();
    listening.close();
    dropToken();
    await account.close();
    signIn(why);
  };
  account.signOut = () => leave(null);
  const show = () => {
    document.documentElement.dataset.connection = device.state;
    document.documentElement.dataset.owed = String(device.owed);
  };
  account.watch(["state"], () => {
    show();
    if (device.state === "login needed") void leave(`This device was signed out: ${device.error?.message ?? "its login has ended"}.`);
  });
  show();
  Object.assign(root, { account }); // for the browser's own tools, and for tests
  render(html`<${AccountProvider} value=${account}><${App} /><//>`, root);
}

function signIn(why) {
  document.documentElement.dataset.connection = "signed out";
  const onToken = (token) => {
    keepToken(token);
    void open(token);
  };
  render(html`<${SignInPage} why=${why} onToken=${onToken} />`, root);
}

const given = tokenInAddress();
if (given !== null) keepToken(given);
addEventListener("hashchange", () => {
  // A link that is opened in a tab that shows the player already.
  const token = tokenInAddress();
  if (token === null) return;
  keepToken(token);
  location.reload();
});
const token = keptToken();
if (token === null) signIn(null);
else await open(token);
