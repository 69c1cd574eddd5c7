import { localPath, type Reply } from "../http/index.ts";
import { codesFile } from "../login/index.ts";
import { failed, hasFactor, METHODS, refusalOf, refuseMissing } from "./changing.ts";
import {
  capabilities,
  changed,
  enrolledOf,
  type Fields,
  flash,
  type PortalVisit,
  placeOf,
  takeFlash,
  tokenOf,
} from "./visit.ts";

/** New codes are shown first and replace the old ones once the person has saved them. */
export async function showCodes(visit: PortalVisit): Promise<Reply> {
  refuseMissing(capabilities(visit).recovery && hasFactor(await enrolledOf(visit)));
  const place = placeOf(visit);
  const codes =
    (await visit.factors.enrolling.pendingCodes(place)) ?? (await visit.factors.enrolling.beginCodes(place));
  return {
    kind: "page",
    name: "enrol/codes",
    model: {
      action: `${METHODS}/codes`,
      csrf: tokenOf(visit),
      note: await takeFlash(visit),
      codes: codes.map((code) => code.expose()),
      account: visit.session.account.name,
      date: new Date(visit.clock.now()).toISOString().slice(0, 10),
      downloadHref: `${METHODS}/codes.txt`,
    },
  };
}

export async function downloadCodes(visit: PortalVisit): Promise<Reply> {
  const codes = await visit.factors.enrolling.pendingCodes(placeOf(visit));
  return codes === undefined ? { kind: "redirect", to: localPath(METHODS) } : codesFile(codes);
}

export async function confirmCodes(visit: PortalVisit, fields: Fields): Promise<Reply> {
  if (fields["saved"] !== "on") return { kind: "redirect", to: localPath(`${METHODS}/codes`) };
  const hadCodes = (await enrolledOf(visit)).recoveryCodes.length > 0;
  const outcome = await visit.factors.enrolling.confirmCodes(placeOf(visit));
  if (outcome.code !== "done") return failed(visit, refusalOf(visit, outcome));
  await changed(visit, undefined);
  return flash(visit, METHODS, {
    key: "codes",
    tone: "success",
    text: hadCodes ? "done.codes.text" : "done.codes.first",
  });
}
