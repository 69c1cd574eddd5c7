import type { IncomingMessage } from "node:http";
import { type Pages, preferencesOf } from "../http/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { DevicePages, ErrorPage, LogoutPages } from "../oidc/index.ts";

type Drawn = { readonly page: ErrorPage; readonly pages: LogoutPages; readonly devicePages: DevicePages };

/** The pages oidc-provider shows at its own addresses, drawn with our templates in the person's language. */
export function oidcPages(pages: Pages, clock: Clock): Drawn {
  const wanted = (ctx: { req: IncomingMessage }) => preferencesOf(ctx.req);
  return {
    page: {
      draw: (ctx, { kind, code, reference, app }) =>
        pages.render(wanted(ctx), "error", {
          kind,
          app,
          reference,
          code,
          time: new Date(clock.now()).toISOString(),
          backHref: undefined,
        }),
    },
    pages: {
      confirm: (ctx, model) =>
        pages.render(wanted(ctx), "logout/confirm", {
          ...model,
          who: model.who === undefined ? undefined : { ...model.who, switchHref: undefined },
        }),
      done: (ctx, model) => pages.render(wanted(ctx), "logout/done", model),
      handoff: (ctx, model) => pages.render(wanted(ctx), "login/handoff", model),
    },
    devicePages: {
      code: (ctx, model) => pages.render(wanted(ctx), "device/code", model),
      confirm: (ctx, model) =>
        pages.render(wanted(ctx), "device/confirm", {
          ...model,
          who: model.who === undefined ? undefined : { ...model.who, switchHref: undefined },
        }),
      done: (ctx, model) => pages.render(wanted(ctx), "device/done", model),
    },
  };
}
