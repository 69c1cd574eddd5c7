import { readFileSync } from "node:fs";
import { createClient, createCluster, createSentinel, RESP_TYPES } from "@redis/client";
import type { RedisGrant } from "./grant.ts";
import type { RedisReply } from "./values.ts";

/** One command as bytes. */
export interface RedisRequest {
  readonly args: readonly string[];
  /** Where it goes in a cluster. */
  readonly key: string | undefined;
  readonly reads: boolean;
}

export interface RedisConnection {
  readonly send: (request: RedisRequest) => Promise<RedisReply>;
  readonly end: () => void;
}

/** Milliseconds. A server that says nothing for `SILENT` while it is asked for a sign every `PING` is gone. */
const CONNECT = 2_000;
const PING = 5_000;
const SILENT = 12_000;
/** Commands under way at once; one more is refused. */
const UNDER_WAY = 1_000;

// Version 2 of the protocol has one shape for every answer.
const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

/**
 * Connects a pool. Commands share its connections (one for each server, four by way of sentinels) and never wait for a lost one.
 * @param lost is told when the connection ended for good; whoever asks next connects anew.
 * @throws Error with the words of the system or the server when nobody answers or the credentials are refused.
 */
export async function connectRedis(grant: RedisGrant, lost: () => void): Promise<RedisConnection> {
  if (grant.mode === "sentinel") return connectSentinel(grant);
  return grant.mode === "cluster" ? connectCluster(grant) : connectServer(grant, lost);
}

async function connectServer(grant: RedisGrant, lost: () => void): Promise<RedisConnection> {
  const { socket, ...options } = optionsOf(grant, grant);
  const client = createClient({
    ...options,
    socket: { ...socket, ...addressesOf(grant)[0], reconnectStrategy: false },
    RESP: 2,
    commandOptions: BYTES,
  });
  // An error is the end of it, and the commands under way have been told.
  client.on("error", lost);
  await client.connect();
  return { send: ({ args }) => client.sendCommand<RedisReply>(buffersOf(args)), end: () => client.destroy() };
}

/** Follows the sentinels to another server by itself. */
async function connectSentinel(grant: RedisGrant): Promise<RedisConnection> {
  const { master = "", sentinel_username: username, sentinel_password: password } = grant;
  const client = createSentinel({
    name: master,
    sentinelRootNodes: addressesOf(grant),
    // A command has one of them to itself until its answer is there.
    masterPoolSize: 4,
    // Each costs a second.
    maxCommandRediscovers: 1,
    nodeClientOptions: optionsOf(grant, grant),
    sentinelClientOptions: optionsOf({ ...grant, database: 0 }, { username, password }),
    RESP: 2,
    commandOptions: BYTES,
  });
  client.on("error", ignored);
  await client.connect();
  return {
    send: ({ args, reads }) => client.sendCommand<RedisReply>(reads, buffersOf(args)),
    end: () => void client.destroy(),
  };
}

/** Finds the server of a key by itself. */
async function connectCluster(grant: RedisGrant): Promise<RedisConnection> {
  const options = optionsOf(grant, grant);
  const client = createCluster({
    rootNodes: addressesOf(grant).map((address) => ({ socket: { ...options.socket, ...address } })),
    defaults: options,
    RESP: 2,
    commandOptions: BYTES,
  });
  client.on("error", ignored);
  await client.connect();
  return {
    send: ({ args, key, reads }) => client.sendCommand<RedisReply>(key, reads, buffersOf(args)),
    end: () => client.destroy(),
  };
}

/** Every command tells its own caller. */
function ignored(): void {}

function optionsOf(grant: RedisGrant, who: Pick<RedisGrant, "username" | "password">) {
  const tls = {
    tls: true as const,
    ...(grant.ca_file === undefined ? {} : { ca: readFileSync(grant.ca_file, "utf8") }),
  };
  return {
    ...(who.username === undefined ? {} : { username: who.username }),
    ...(who.password === undefined ? {} : { password: who.password.expose() }),
    ...(grant.database === 0 ? {} : { database: grant.database }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: UNDER_WAY,
    pingInterval: PING,
    socket: { connectTimeout: CONNECT, socketTimeout: SILENT, ...(grant.tls ? tls : {}) },
  };
}

function addressesOf({ servers }: RedisGrant): { host: string; port: number }[] {
  return servers.map((server) => {
    const at = server.lastIndexOf(":");
    return { host: server.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(server.slice(at + 1)) };
  });
}

function buffersOf(args: readonly string[]): Buffer[] {
  return args.map((argument) => Buffer.from(argument, "latin1"));
}
