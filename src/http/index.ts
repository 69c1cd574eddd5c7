export type { PortalModel, PortalSection, When } from "./account-models.ts";
/**
 * The HTTP edge: typed pages, replies as values, form parsing, security headers, cross-site and Host checks, errors as pages.
 * Knows no domain.
 */
export { type Assets, loadAssets } from "./assets.ts";
export { brandCss } from "./brand.ts";
export { clientAddress, trustedProxies } from "./client-address.ts";
export { type Csrf, createCsrf } from "./csrf.ts";
export { createErrorHandler, methodNotAllowed, notFound } from "./errors.ts";
export { exactRouter } from "./exact-router.ts";
export { formBody, sameOriginPost } from "./forms.ts";
export { hostGate, ownHost, securityHeaders } from "./gate.ts";
export { preferencesOf } from "./language.ts";
export type {
  ConsentItem,
  EnrolModel,
  FactorModel,
  LoginModel,
  MethodChoice,
  PageModels,
  PageName,
} from "./page-models.ts";
export type { Note, Who } from "./page-parts.ts";
export { createPages, type Pages } from "./pages.ts";
export { type Reply, route } from "./reply.ts";
export { localPath, type SafeUrl } from "./safe-url.ts";
export { closeUnread, isWellFormed, requestShape } from "./shape.ts";
