// The one socket in use. Modules ask through here, so that none of them has to know the session.
let socket = null;

export function useSocket(value) {
  socket = value;
}

export function ask(frame, options) {
  return socket ? socket.ask(frame, options) : Promise.reject(new Error("signed out"));
}

export function tell(frame) {
  socket?.tell(frame);
}

export function retryNow() {
  socket?.retryNow();
}
