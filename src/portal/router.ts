import { type Request, type Response, Router } from "express";
import { exactRouter, formBody, localPath, methodNotAllowed, type Reply, route } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import { isFresh } from "./fresh.ts";
import { PAGES, type Page, pageAt } from "./pages.ts";
import { contextOf, enrolledOf, type Fields, type PortalDeps, type PortalVisit } from "./visit.ts";

/** The account pages: reachable directly, for whoever signs in. */
export function portalRouter(deps: PortalDeps): Router {
  const router = exactRouter();
  for (const [path, page] of Object.entries(PAGES)) {
    router.get(
      path,
      route((req, res) => show(deps, page, { req, res })),
    );
    if (page.submit !== undefined)
      router.post(
        path,
        formBody(),
        route((req, res) => submit(deps, page, { req, res })),
      );
    router.all(path, methodNotAllowed(page.submit === undefined ? ["GET"] : ["GET", "POST"]));
  }
  router.get(
    "/account/continue/:id",
    route((req, res) => replay(deps, { req, res })),
  );
  router.get("/.well-known/change-password", (_req, res) =>
    res.redirect(303, deps.links.changePassword ?? "/account/methods"),
  );
  router.get("/.well-known/passkey-endpoints", (_req, res) => {
    const { origins } = deps.factors.party;
    const manage = `${origins[0]}/account/methods`;
    res.json({ enroll: `${manage}/keys/new`, manage });
  });
  return router;
}

type Exchange = { readonly req: Request; readonly res: Response };

async function visitOf(deps: PortalDeps, { req, res }: Exchange): Promise<PortalVisit | undefined> {
  const session = await deps.sessions.current(req, res);
  if (session === undefined) return undefined;
  const id = req.params["id"];
  const hasNews = (await deps.activity.notices(session.account.name)).length > 0;
  return {
    ...deps,
    hasNews,
    req,
    res,
    session,
    context: contextOf(deps.facts, req),
    id: typeof id === "string" ? id : "",
  };
}

async function show(deps: PortalDeps, page: Page, { req, res }: Exchange): Promise<Reply> {
  const visit = await visitOf(deps, { req, res });
  if (visit === undefined) return signIn(deps, res, req.originalUrl);
  if (page.isGuarded && !(await mayChange(visit))) return proveFirst(visit, req.originalUrl);
  return page.show(visit);
}

async function submit(deps: PortalDeps, page: Page, { req, res }: Exchange): Promise<Reply> {
  const visit = await visitOf(deps, { req, res });
  if (visit === undefined) return signIn(deps, res, "/account");
  const fields = req.body as Fields;
  if (!deps.csrf.verify(`account:${visit.session.uid}`, fields["csrf"] ?? "")) throw new IdpError("ATTEMPT_FOREIGN");
  if (page.isGuarded && !(await mayChange(visit))) return proveFirst(visit, await intend(visit, fields));
  return (page.submit ?? methodless)(visit, fields);
}

function methodless(): Promise<Reply> {
  throw new IdpError("METHOD_NOT_ALLOWED");
}

async function mayChange(visit: PortalVisit): Promise<boolean> {
  const [enrolled, isCodeOpen] = await Promise.all([
    enrolledOf(visit),
    visit.factors.enrolmentCodes.isOpen(visit.session.account),
  ]);
  return isFresh({ enrolled, isCodeOpen, proofs: visit.session.proofs, now: visit.clock.now(), fresh: visit.fresh });
}

async function signIn({ gate }: PortalDeps, res: Response, url: string): Promise<Reply> {
  return { kind: "redirect", to: localPath(await gate.begin(res, url, undefined)) };
}

async function proveFirst({ gate, res, session }: PortalVisit, returnTo: string): Promise<Reply> {
  return { kind: "redirect", to: localPath(await gate.begin(res, returnTo, session)) };
}

const INTENT = "portal.intent";
const INTENT_LIFE = 30 * 60_000;

/** What a person meant to do before they were asked to prove that it is them; done right after. Holds no secret. */
async function intend({ store, random, clock, session, req }: PortalVisit, fields: Fields): Promise<string> {
  const id = random.id();
  const { csrf: _token, code: _code, answer: _answer, ...kept } = fields;
  const intent = { path: req.path, fields: kept, subject: session.account.subject, uid: session.uid };
  await store.put(INTENT, id, intent, { expiresAt: clock.now() + INTENT_LIFE });
  return `/account/continue/${id}`;
}

async function replay(deps: PortalDeps, { req, res }: Exchange): Promise<Reply> {
  const visit = await visitOf(deps, { req, res });
  if (visit === undefined) return signIn(deps, res, "/account");
  const taken = (await deps.store.take(INTENT, visit.id))?.value as
    | { readonly path: string; readonly fields: Fields; readonly subject: string; readonly uid: string }
    | undefined;
  if (taken === undefined || taken.uid !== visit.session.uid || taken.subject !== visit.session.account.subject)
    return { kind: "redirect", to: localPath("/account") };
  const found = pageAt(taken.path);
  if (found?.page.submit === undefined || !(await mayChange(visit)))
    return { kind: "redirect", to: localPath(taken.path) };
  return found.page.submit({ ...visit, id: found.id }, taken.fields);
}
