import { z } from "zod";
import { level, methods } from "./mfa-schema.ts";
import { duration } from "./units.ts";

const webUrl = z.url({ protocol: /^https?$/, error: "must be an http or https address" });

/** How one backend attribute is named towards a provider. */
const attributeSchema = z.strictObject({
  name: z.string().min(1),
  name_format: z.enum(["uri", "basic", "unspecified"]).default("uri"),
  friendly_name: z.string().min(1).optional(),
});

export const serviceProviderSchema = z.strictObject({
  /** A file, a folder of `*.xml`, or an address. Instead of it: `entity_id`, `acs` and the rest. */
  metadata: z.string().min(1).optional(),
  entity_id: z.string().min(1).max(1024).optional(),
  name: z.string().min(1).max(128).optional(),
  acs: z.array(webUrl).default([]),
  slo: z
    .array(
      z.strictObject({
        binding: z.enum(["redirect", "post"]).default("redirect"),
        url: webUrl,
        response_url: webUrl.optional(),
      }),
    )
    .default([]),
  certificates: z.array(z.string().min(1)).default([]),
  attributes: z.record(z.string().min(1), attributeSchema).default({
    mail: { name: "urn:oid:0.9.2342.19200300.100.1.3", name_format: "uri", friendly_name: "mail" },
    display_name: { name: "urn:oid:2.16.840.1.113730.3.1.241", name_format: "uri", friendly_name: "displayName" },
  }),
  name_id: z.enum(["persistent", "transient", "email", "unspecified"]).default("persistent"),
  require_signed_requests: z.boolean().default(false),
  sign_response: z.boolean().default(true),
  sign_assertion: z.boolean().default(true),
  encrypt_assertion: z.boolean().default(false),
  idp_initiated: z.boolean().default(false),
  /** Its own start page, for the tiles of the account pages. */
  home: webUrl.optional(),
  require_mfa: level.optional(),
  supported_mfa: methods.optional(),
  allow_groups: z.array(z.string().min(1)).default([]),
});

export const samlSchema = z.strictObject({
  entity_id: z.string().min(1).max(1024).optional(),
  metadata_refresh: duration.prefault("6h"),
  service_providers: z.array(serviceProviderSchema).default([]),
});
