/** What is sent back to the application. */
export interface Answer {
  readonly redirectUri: string;
  readonly state?: string | undefined;
  readonly members: Readonly<Record<string, string>>;
}

/**
 * The URL that takes a response to the application (RFC 6749, section 4.1.2), always with `iss`, so that an application with several servers
 * knows which one sent it (RFC 9207).
 */
export function answerLocation({ redirectUri, state, members }: Answer, issuer: string): string {
  const query = new URLSearchParams({ ...members, ...(state === undefined ? {} : { state }), iss: issuer });
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query.toString()}`;
}
