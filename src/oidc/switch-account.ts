import type { Request, Response } from "express";
import type { Interaction, InteractionResults, Provider } from "oidc-provider";

/**
 * Another account signs in where one was signed in: the old browser session ends, and the interaction goes on without it.
 * Otherwise oidc-provider would post its scripted sign-out form, or refuse because the principal changed.
 * @returns the address that resumes the request.
 */
export async function switchAccount(
  provider: Provider,
  change: {
    readonly req: Request;
    readonly res: Response;
    readonly interaction: Interaction;
    readonly result: InteractionResults;
  },
): Promise<string> {
  const { req, res, interaction, result } = change;
  const ctx = provider.createContext(req, res);
  const session = await provider.Session.get(ctx);
  await session.destroy();
  Reflect.set(interaction, "session", undefined);
  interaction.result = result;
  await interaction.persist();
  return interaction.returnTo;
}
