import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import { ROUTES } from "./paths.ts";

const POLICY = "content-security-policy";

/**
 * OAuth 2.0 Form Post Response Mode: the library's page posts to the application, which our `form-action 'self'` forbids. Browsers hold
 * the redirects behind a form to it as well, and only the application knows where those lead: its scheme is allowed, nothing else.
 */
export function mountFormPost(provider: Provider): void {
  provider.use(async (context, next) => {
    const ctx = context as unknown as KoaContextWithOIDC;
    await next();
    if (!ctx.path.startsWith(ROUTES.authorization)) return;
    const policy = ctx.response.get(POLICY);
    const target = ctx.oidc?.params?.["redirect_uri"];
    // The library states the hash of the page's script; an error page of ours has none.
    if (!policy.includes("'sha256-") || typeof target !== "string") return;
    const { protocol } = new URL(target);
    const schemes = protocol === "http:" ? "https: http:" : protocol;
    ctx.set(POLICY, policy.replace("form-action 'self'", `form-action ${schemes}`));
  });
}
