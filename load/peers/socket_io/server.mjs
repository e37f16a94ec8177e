// Socket.IO as its documentation sets it up for this work: one room for each account, acknowledgements, and connection
// state recovery, which keeps what was sent to a room in memory for two minutes. It stores nothing before it acks.
import { createServer } from "node:http";
import { Server } from "socket.io";

const port = Number(process.argv[2]);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true },
});

io.on("connection", (socket) => {
  const room = `a:${socket.handshake.auth.account}`;
  if (!socket.recovered) socket.join(room);
  socket.on("event", (payload, ack) => {
    socket.to(room).emit("event", payload);
    ack();
  });
});

http.listen({ port, host: "127.0.0.1", backlog: 4096 }, () => console.log("ready"));
