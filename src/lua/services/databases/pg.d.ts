// The part of pg this folder uses; the package ships no types.
declare module "pg" {
  import type { EventEmitter } from "node:events";

  export interface Field {
    readonly name: string;
  }
  export interface Result {
    readonly fields: readonly Field[];
    readonly rowCount: number | null;
  }
  export interface ClientConfig {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: () => string;
    readonly database: string;
    readonly ssl: false | { readonly rejectUnauthorized: boolean; readonly checkServerIdentity?: () => undefined };
    readonly connectionTimeoutMillis: number;
    readonly keepAlive: boolean;
    readonly types: { getTypeParser(oid: number): (text: string) => unknown };
  }
  export class Query extends EventEmitter {
    constructor(config: {
      readonly text: string;
      readonly values: readonly unknown[];
      readonly rowMode: "array";
      readonly queryMode: "extended";
    });
  }
  export class Client extends EventEmitter {
    constructor(config: ClientConfig);
    readonly processID: number | null;
    readonly secretKey: number | null;
    connect(): Promise<unknown>;
    query(query: Query): void;
    getTransactionStatus(): string | null;
    end(): Promise<void>;
  }
  export const types: {
    readonly arrayParser: { create(text: string, element: (text: string) => unknown): { parse(): unknown } };
  };
}
