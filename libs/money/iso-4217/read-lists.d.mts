/** The kept lists, read. */
export function tableOf(): {
  readonly published: string | undefined;
  readonly current: Readonly<Record<string, number | null>>;
  readonly historic: Readonly<Record<string, string>>;
};
