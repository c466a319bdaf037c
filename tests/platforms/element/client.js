// One person's Matrix client with the cryptography of Element (matrix-js-sdk, Rust in WASM), driven
// by lines of JSON: {"id", "do", ...} comes in, {"id", "ok"|"error"} goes out, and {"event"} for each
// message that somebody else wrote.

import readline from "node:readline";
import { webcrypto } from "node:crypto";

// What the library takes for granted and Debian's Node 18 lacks.
globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail } = {}) {
    super(type);
    this.detail = detail;
  }
};
Promise.withResolvers ??= function () {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
};

const sdk = await import("matrix-js-sdk");
const { logger } = await import("matrix-js-sdk/lib/logger.js");
const api = await import("matrix-js-sdk/lib/crypto-api/index.js");
logger.setLevel ? logger.setLevel("silent") : logger.disableAll();
for (const name of ["log", "info", "warn", "error", "debug", "trace"]) console[name] = () => {};

const out = (line) => process.stdout.write(JSON.stringify(line) + "\n");
let client, room;

async function tell(event) {
  if (event.getSender() === client.getUserId() || event.isState()) return;
  await client.decryptEventIfNeeded(event);
  if (!["m.room.message", "m.room.encrypted"].includes(event.getType()) || event.told) return;
  const failed = event.isDecryptionFailure();
  if (failed && !event.waits) {
    event.waits = true;
    event.once("Event.decrypted", () => tell(event));
    setTimeout(() => tell(event), 2000);
    return;
  }
  event.told = true;
  const shield = event.isEncrypted() ? await client.getCrypto().getEncryptionInfoForEvent(event) : null;
  out({
    event: {
      id: event.getId(), room: event.getRoomId(), sender: event.getSender(), content: event.getContent(),
      relation: event.getWireContent()["m.relates_to"] ?? null, encrypted: event.isEncrypted(),
      failed: failed ? event.decryptionFailureReason : null,
      shield: shield?.shieldColour ?? null, why: shield?.shieldReason ?? null,
    },
  });
}

const commands = {
  async start({ url, user, token, device, password, strict, sign }) {
    client = sdk.createClient({
      baseUrl: url, userId: user, accessToken: token, deviceId: device, logger,
    });
    await client.initRustCrypto({ useIndexedDB: false });
    const crypto = client.getCrypto();
    const authUploadDeviceSigningKeys = (request) =>
      request({ type: "m.login.password", identifier: { type: "m.id.user", user }, password });
    if (sign) await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys });
    if (strict) crypto.setDeviceIsolationMode(new api.OnlySignedDevicesIsolationMode());
    client.on("event", (event) => void tell(event));
    await client.startClient({ initialSyncLimit: 0, lazyLoadMembers: false });
    await new Promise((resolve) => client.on("sync", (state) => state === "SYNCING" && resolve()));
    return true;
  },
  async reset({ user, password }) {
    await client.getCrypto().bootstrapCrossSigning({
      setupNewCrossSigning: true,
      authUploadDeviceSigningKeys: (request) =>
        request({ type: "m.login.password", identifier: { type: "m.id.user", user }, password }),
    });
    return true;
  },
  async chat({ bot, encrypted, preset = "trusted_private_chat" }) {
    const initial_state = encrypted
      ? [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }]
      : [];
    const made = await client.createRoom({ preset, is_direct: true, invite: [bot], initial_state });
    room = made.room_id;
    while (!(client.getRoom(room)?.getMember(bot)?.membership === "join"))
      await new Promise((resolve) => setTimeout(resolve, 20));
    return room;
  },
  async enter({ room: known }) {
    room = known;
    return true;
  },
  // The next invitation from somebody that is not answered yet: the room, and all that it shows.
  async invited({ by }) {
    for (;;) {
      for (const found of client.getRooms()) {
        const mine = found.getMember(client.getUserId());
        if (found.getMyMembership() !== "invite" || mine?.events.member?.getSender() !== by) continue;
        const state = found.currentState.events;
        return {
          room: found.roomId,
          direct: mine.events.member.getContent().is_direct ?? false,
          shows: Object.fromEntries([...state].map(([kind, all]) => [kind, [...all.values()].map((e) => e.getContent())])),
        };
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  async join({ room: invited }) {
    // Once told of it the SDK may take the invitation from its state again: that it was told counts.
    const told = new Promise((resolve) => client.on("Room.myMembership", (found, membership) =>
      found.roomId === invited && membership === "join" && resolve()));
    await client.joinRoom(invited);
    await told;
    room = invited;
    return true;
  },
  async write({ content }) {
    return (await client.sendMessage(room, content)).event_id;
  },
  async devices({ user }) {
    const devices = await client.getCrypto().getUserDeviceInfo([user]);
    return [...devices.get(user).keys()];
  },
  async state({ bot }) {
    const identity = await client.getCrypto().getUserVerificationStatus(bot);
    return { approval: identity.needsUserApproval, signed: identity.isCrossSigningVerified() };
  },
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, do: name, ...given } = JSON.parse(line);
  try {
    out({ id, ok: await commands[name](given) });
  } catch (error) {
    out({ id, error: `${error.name}: ${error.message}` });
  }
}).on("close", () => process.exit(0));
out({ ready: true });
