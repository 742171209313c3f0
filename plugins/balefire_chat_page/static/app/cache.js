// What was read before, kept in IndexedDB per account, so that a reload shows it at once and only news is fetched.
const KEPT_MESSAGES = 60;
let database = null;

function request(made) {
  return new Promise((done, fail) => {
    made.onsuccess = () => done(made.result);
    made.onerror = () => fail(made.error);
  });
}

const nameOf = (user) => `balefire/${user}`;

export async function openCache(user) {
  try {
    const opening = indexedDB.open(nameOf(user), 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("conversations", { keyPath: "key" });
    database = await request(opening);
    return await request(database.transaction("conversations").objectStore("conversations").getAll());
  } catch {
    database = null; // private windows may refuse it; the page works without
    return [];
  }
}

export function keep(key, cursor, messages) {
  if (!database) return;
  const stored = messages.filter((m) => m.seq).slice(-KEPT_MESSAGES);
  database
    .transaction("conversations", "readwrite")
    .objectStore("conversations")
    .put({ key, cursor, messages: stored });
}

export async function dropCache(user) {
  database?.close();
  database = null;
  try {
    indexedDB.deleteDatabase(nameOf(user));
  } catch {
    // nothing was kept
  }
}
