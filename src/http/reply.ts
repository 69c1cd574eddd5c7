import type { Request, RequestHandler, Response } from "express";
import { LANGUAGE_COOKIE, preferencesOf } from "./language.ts";
import type { PageModels, PageName } from "./page-models.ts";
import type { Pages } from "./pages.ts";
import type { SafeUrl } from "./safe-url.ts";

/** What a handler answers; one function turns it into HTTP. */
export type Reply =
  | {
      [Name in PageName]: {
        readonly kind: "page";
        readonly name: Name;
        readonly model: PageModels[Name];
        readonly status?: number;
        readonly headers?: Readonly<Record<string, string>>;
        readonly uiLocales?: string;
      };
    }[PageName]
  | { readonly kind: "redirect"; readonly to: SafeUrl }
  | { readonly kind: "json"; readonly body: object; readonly status?: number }
  /** A text file to keep. */
  | { readonly kind: "text"; readonly name: string; readonly body: string };

/** Makes an Express handler of a function that answers with a {@link Reply}. The pages are the application's (`app.locals.pages`), as is whether its cookies are for https alone (`app.locals.isSecure`). */
export function route(handler: (req: Request, res: Response) => Promise<Reply>): RequestHandler {
  return async (req, res) => {
    send(req, res, await handler(req, res));
  };
}

function send(req: Request, res: Response, reply: Reply): void {
  res.set("Cache-Control", "no-store");
  switch (reply.kind) {
    case "redirect":
      res.redirect(303, reply.to);
      return;
    case "json":
      res.status(reply.status ?? 200).json(reply.body);
      return;
    case "text":
      res.attachment(reply.name).type("text/plain; charset=utf-8").send(reply.body);
      return;
    case "page":
      sendPage(req, res, reply);
      return;
    default:
      reply satisfies never;
  }
}

function sendPage(req: Request, res: Response, reply: Extract<Reply, { kind: "page" }>): void {
  const pages = req.app.locals["pages"] as Pages;
  const own = preferencesOf(req);
  rememberLanguage(req, res, own.uiLocales);
  const preferences =
    reply.uiLocales === undefined || own.uiLocales !== undefined ? own : { ...own, uiLocales: reply.uiLocales };
  const html = pages.render(preferences, reply.name, reply.model);
  res.status(reply.status ?? 200).set("Content-Type", "text/html; charset=utf-8");
  if (reply.headers !== undefined) res.set(reply.headers);
  res.end(html);
}

/** A choice in the language menu lasts: the next page of the sign-in has no such parameter. */
function rememberLanguage(req: Request, res: Response, chosen: string | undefined): void {
  if (chosen !== undefined && /^[a-z]{2}$/.test(chosen)) {
    const isSecure = req.app.locals["isSecure"] === true;
    res.cookie(`${isSecure ? "__Host-" : ""}${LANGUAGE_COOKIE}`, chosen, {
      httpOnly: true,
      sameSite: "lax",
      path: "/",
      secure: isSecure,
      maxAge: 31_536_000_000,
    });
  }
}
