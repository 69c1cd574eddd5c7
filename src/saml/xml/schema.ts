import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ParseOption, XmlBufferInputProvider, XmlDocument, XsdValidator, xmlRegisterInputProvider } from "libxml2-wasm";

/** Judges documents by the OASIS schemas (saml-schema-protocol-2.0, saml-schema-metadata-2.0). */
export interface Schemas {
  /** `undefined` when valid, else what the schema says. Never opens a file or an address a document names. */
  faultOf(kind: "protocol" | "metadata", text: string): string | undefined;
}

/** Compiles the schemas once: about 15 milliseconds. */
export function loadSchemas(): Schemas {
  const root = fileURLToPath(new URL("../schemas/", import.meta.url));
  // Document types in schemas would be loaded from elsewhere; ours have none.
  const files = Object.fromEntries(
    readdirSync(root)
      .filter((name) => name.endsWith(".xsd"))
      .map((name) => [`saml-schemas/${name}`, readFileSync(root + name)]),
  );
  xmlRegisterInputProvider(new XmlBufferInputProvider(files));
  const compile = (name: string): XsdValidator => {
    const source = XmlDocument.fromBuffer(files[`saml-schemas/${name}`] ?? Buffer.alloc(0), {
      url: `saml-schemas/${name}`,
    });
    try {
      return XsdValidator.fromDoc(source);
    } finally {
      source.dispose();
    }
  };
  const validators = {
    protocol: compile("saml-schema-protocol-2.0.xsd"),
    metadata: compile("saml-schema-metadata-2.0.xsd"),
  };
  return {
    faultOf(kind, text) {
      let document: XmlDocument | undefined;
      try {
        document = XmlDocument.fromString(text, { option: ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NO_XXE });
        validators[kind].validate(document);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message.trim().split("\n", 1)[0] : "invalid";
      } finally {
        document?.dispose();
      }
    },
  };
}
