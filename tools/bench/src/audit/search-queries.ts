/** Typical searches: each has at least 50 matches among ten thousand events, so that a page is full at every size. */
export function fullPages(newest: Date): readonly (readonly [string, string])[] {
  const before = (hours: number): string => new Date(newest.getTime() - hours * 3_600_000).toISOString();
  return [
    ['no filter', ''],
    ['subject', 'subject=storefront'],
    ['rarer subject', 'subject=user-2'],
    ['actor', 'actor=payments'],
    ['client', 'client=client-7'],
    ['action', 'action=thing9:post'],
    ['resource', 'resource=events'],
    ['denied', 'outcome=denied'],
    ['source', 'source=accounts'],
    ['type', 'type=countersign.accounts.thing2.done.v1'],
    ['words', 'q=thing4%20posted'],
    ['from', `from=${before(2)}`],
    ['to', `to=${before(4)}`],
    ['subject, denied', 'subject=storefront&outcome=denied'],
    ['actor, action', 'actor=payments&action=thing4:read'],
    ['client, source, time', `client=client-1&source=issuer&to=${before(2)}`],
    ['action, words, time', `action=thing0:create&q=events&from=${before(8)}`],
  ];
}

/** Searches with few matches, or none: a page is never full, so the search goes through everything. */
export const sparsePages: readonly (readonly [string, string])[] = [
  ['one trace', 'trace=cfcd208495d565ef66e7dff9f98764da'],
  ['an unknown resource', 'resource=payment/0'],
  ['an unknown word', 'q=unheard-of'],
  ['a rare subject, denied', 'subject=user-900&outcome=denied'],
  ['two that exclude each other', 'source=accounts&action=thing0:create'],
];
