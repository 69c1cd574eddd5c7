import { errors, Provider } from "oidc-provider";
import { type ErrorFacts, IdpError } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

/**
 * A store whose failures oidc-provider answers as `temporarily_unavailable` with 503 while it serves a request; to it, any other
 * error is a defect of its own (500). Outside its requests a failure stays what it is.
 */
export function withOauthErrors(store: Store): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]) =>
        (Reflect.apply(member, target, args) as Promise<unknown>).catch((error: unknown) => {
          throw translate(error);
        });
    },
  });
}

function translate(error: unknown): unknown {
  return (Provider.ctx === undefined ? undefined : asOutage(error)) ?? error;
}

/** A failure of the store, translated already or not, as the error of 503; `undefined` for everything else. */
export function asOutage(error: unknown): Error | undefined {
  if (error instanceof errors.TemporarilyUnavailable) return error;
  const isOurs = error instanceof IdpError && error.code === "STORE_UNAVAILABLE";
  return isOurs ? temporarilyUnavailable("the store cannot answer now", false, error) : undefined;
}

/** What failed behind an outage, for the log. */
export function outageFacts({ cause }: Error): ErrorFacts {
  return cause instanceof IdpError ? cause.facts : {};
}

/** RFC 6749 section 4.1.2.1, as 503. `mayRedirect`: whether the application hears of it, or the person sees our page. */
export function temporarilyUnavailable(description: string, mayRedirect: boolean, cause?: unknown): Error {
  const error = new errors.TemporarilyUnavailable(description);
  return Object.assign(error, { status: 503, statusCode: 503, expose: true, allow_redirect: mayRedirect, cause });
}
