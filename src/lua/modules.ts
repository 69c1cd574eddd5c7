/** What `require` makes of a name. */
export type ModuleEntry =
  /** `modules/<file>.lua` makes the module. An `overridable` one gives way to the operator's file of that name; an `inert` one does nothing, for the reason told. */
  | { readonly file: string; readonly overridable?: true; readonly inert?: string }
  /** Not here, for the reason told. A file of that name on the package path is taken instead. */
  | { readonly refused: string };

const ABSENT = "this version does not have it";

/** Every module name that scripts for Nauthilus may ask for. What is not in the table is looked for on the package path alone. */
export const MODULES: Readonly<Record<string, ModuleEntry>> = {
  ...named(
    `base64 bit crypto db glua_crypto glua_http hex http io json nauthilus_backend nauthilus_backend_result nauthilus_builtin nauthilus_cache nauthilus_context nauthilus_http_request nauthilus_ldap nauthilus_misc nauthilus_opentelemetry nauthilus_password nauthilus_prometheus nauthilus_redis regexp strings template time`,
    (file) => ({
      file,
    }),
  ),
  nauthilus_psnet: { file: "nauthilus_psnet", inert: "connections are not counted" },
  nauthilus_util: { file: "nauthilus_util", overridable: true },
  // Names of years ago.
  nauthilus: { file: "nauthilus_builtin" },
  backend_result: { file: "nauthilus_backend_result" },
  ...named(
    `nauthilus_dns nauthilus_mail tcp
     argparse aws cert_util chef filepath goos humanize inspect ioutil log nauthilus_cbor nauthilus_i18n pb pprof runtime shellescape
     stats storage tac telegram xmlpath yaml zabbix`,
    () => ({ refused: ABSENT }),
  ),
  ...named(`cmd plugin`, () => ({ refused: "a script runs no programs and loads no code of the machine" })),
  ...named(`nauthilus_brute_force nauthilus_policy nauthilus_soft_whitelist`, () => ({
    refused: "who is slowed down or let in is decided outside the backend",
  })),
  nauthilus_http_response: { refused: "a backend answers with its result and not to the browser" },
};

function named(names: string, make: (name: string) => ModuleEntry): Readonly<Record<string, ModuleEntry>> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, make(name)]));
}
