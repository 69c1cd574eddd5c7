/** What a command may touch besides its arguments. */
export interface CommandEnvironment {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where relative paths on the command line start. */
  readonly cwd: string;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** Exit codes every command keeps to. */
export const EXIT = { fine: 0, failed: 1, usage: 2, refused: 78 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
