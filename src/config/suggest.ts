import { z } from "zod";
import { clientSchema } from "./client-schema.ts";
import { configSchema } from "./schema.ts";

/** What to write instead of an unknown key: the nearest known one at that place. */
export function suggest(key: string, at: readonly PropertyKey[]): string | undefined {
  const best = knownKeys(at).toSorted((a, b) => distance(key, a) - distance(key, b))[0];
  return best !== undefined && distance(key, best) <= Math.max(2, key.length / 3)
    ? `did you mean "${best}"?`
    : undefined;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** The configuration as a JSON Schema (draft 2020-12), for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      // The loader puts the file's content in place of the key before the schema sees it; an editor sees the key.
      if (zodSchema === clientSchema)
        jsonSchema.properties = { ...jsonSchema.properties, client_secret_file: { type: "string" } };
      if ("token" in (jsonSchema.properties ?? {}))
        jsonSchema.properties = { ...jsonSchema.properties, token_file: { type: "string" } };
      if ("sealing_key" in (jsonSchema.properties ?? {}))
        jsonSchema.properties = { ...jsonSchema.properties, sealing_key_file: { type: "string" } };
    },
  });
}

function knownKeys(at: readonly PropertyKey[]): readonly string[] {
  let place: JsonSchema | undefined = configJsonSchema();
  for (const part of at) place = typeof part === "number" ? place?.items : place?.properties?.[String(part)];
  return Object.keys(place?.properties ?? {});
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
