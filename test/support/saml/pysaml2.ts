import { fileURLToPath } from "node:url";
import { programFolder, type SamlSp, startProgram } from "./program.ts";
import { testKey } from "./service-provider.ts";

/** A service provider on pysaml2 that demands both signatures and can read encrypted assertions: `/`, `/post`, `/logout`, `/out`. */
export async function startPysaml2({ port, idpMetadata }: { port: number; idpMetadata: string }): Promise<SamlSp> {
  const origin = `http://127.0.0.1:${port}`;
  const key = await testKey("pysaml2");
  const folder = programFolder({
    "idp.xml": idpMetadata,
    "sp.key.pem": key.privateKey,
    "sp.cert.pem": key.certificate,
  });
  return startProgram(folder, {
    command: "/usr/bin/python3",
    args: [fileURLToPath(new URL("pysaml2_sp.py", import.meta.url))],
    env: { SP_OPTIONS: JSON.stringify({ origin, port }), PYTHONDONTWRITEBYTECODE: "1" },
    origin,
    metadataPath: "/metadata",
  });
}
