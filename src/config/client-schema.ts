import { z } from "zod";
import { Secret } from "../kernel/index.ts";
import { level, methods } from "./mfa-schema.ts";

const uri = z.url("must be an absolute address");
/** Pages link to these or the provider fetches them: a scheme such as javascript: must not get there. */
const webUri = z.url({ protocol: /^https?$/, error: "must be an http or https address" });
const claimMap = z.record(z.string(), z.string()).default({});

/** One OIDC client: RFC 7591 names, then our own keys. */
export const clientSchema = z.strictObject({
  client_id: z.string().regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 printable ASCII characters without spaces"),
  client_name: z.string().max(128).optional(),
  client_secret: z
    .string()
    .transform((value) => new Secret(value))
    .optional(),
  redirect_uris: z.array(uri).default([]),
  post_logout_redirect_uris: z.array(uri).optional(),
  grant_types: z
    .array(z.enum(["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]))
    .default(["authorization_code"]),
  response_types: z.array(z.literal("code")).min(1).optional(),
  token_endpoint_auth_method: z
    .enum(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])
    .default("client_secret_basic"),
  jwks: z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) }).optional(),
  jwks_uri: webUri.optional(),
  scope: z.string().optional(),
  /** RFC 9126 section 6 and RFC 9449 section 5.2. */
  require_pushed_authorization_requests: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  subject_type: z.enum(["public", "pairwise"]).optional(),
  id_token_signed_response_alg: z.enum(["RS256", "ES256", "EdDSA"]).optional(),
  application_type: z.enum(["web", "native"]).optional(),
  client_uri: webUri.optional(),
  logo_uri: webUri.optional(),
  policy_uri: webUri.optional(),
  tos_uri: webUri.optional(),
  initiate_login_uri: webUri.optional(),
  backchannel_logout_uri: webUri.optional(),
  backchannel_logout_session_required: z.boolean().optional(),
  default_max_age: z.number().int().nonnegative().optional(),
  require_auth_time: z.boolean().optional(),
  /** Level; default: `mfa.require_mfa`. */
  require_mfa: level.optional(),
  /** The second factors that count here; default: `mfa.supported_mfa`. */
  supported_mfa: methods.optional(),
  skip_consent: z.boolean().default(false),
  allow_groups: z.array(z.string()).default([]),
  claims: z.strictObject({ id_token: claimMap, userinfo: claimMap, access_token: claimMap }).prefault({}),
});
