import { type Preview } from './issuer-answers.js';

const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** The sentences of a preview; the first is about tokens. */
export function sentencesOf({ tokens, delegations, sessions, api_keys: keys }: Preview): readonly string[] {
  const others = [
    ...(delegations > 0 ? [counted(delegations, 'permission that a person gave', 'permissions that people gave')] : []),
    ...(sessions > 0 ? [counted(sessions, 'session of the person', 'sessions of the person')] : []),
    ...(keys > 0 ? [counted(keys, 'API key that works', 'API keys that work')] : []),
  ];
  return [tokenSentence(tokens), ...(others.length === 0 ? [] : [`It also affects ${others.join(', ')}.`])];
}

function tokenSentence(tokens: Preview['tokens']): string {
  if (tokens === null) return 'The issuer keeps no records from which live tokens could be counted.';
  if (tokens.live === 0) return 'It refuses no live tokens.';
  const atLeast = tokens.at_least ? 'At least ' : '';
  const where = tokens.audiences.map(({ audience, live }) => `${audience} (${live.toLocaleString('en')})`).join(', ');
  return `${atLeast}${counted(tokens.live, 'live token', 'live tokens')} will be refused: ${where}.`;
}
