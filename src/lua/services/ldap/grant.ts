import type { Secret } from "../../../kernel/index.ts";

/** A pool of `allow.ldap`. */
export interface LdapGrant {
  /** `ldap://` or `ldaps://`, host and maybe port; never credentials. */
  readonly url: string;
  readonly starttls: boolean;
  /** Who searches and changes; anonymous without. */
  readonly bind_dn?: string | undefined;
  readonly bind_password?: Secret | undefined;
  /** Certificates to trust instead of the system's, PEM; an absolute path. */
  readonly ca_file?: string | undefined;
  /** Password checks at once; each has a connection of its own. */
  readonly connections: number;
}

export type LdapGrants = Readonly<Record<string, LdapGrant>>;

/** @throws Error naming the missing grant. */
export function grantedDirectory(grants: LdapGrants, name: string): LdapGrant {
  const grant = Object.hasOwn(grants, name) ? grants[name] : undefined;
  if (grant === undefined)
    throw new Error(`the LDAP pool "${name}" is not granted; add it to allow.ldap of this backend`);
  return grant;
}

/** Where the server of a pool listens. */
export function endpointOf({ url }: LdapGrant): { readonly host: string; readonly port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) || (protocol === "ldaps:" ? 636 : 389) };
}
