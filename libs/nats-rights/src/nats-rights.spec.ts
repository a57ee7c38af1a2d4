import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountLines, exportsFor, natsAccountOf, rightsTable } from './index.js';

const operations = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');

describe('what a service may do on NATS', () => {
  it('is what its account has, and each right says what it is for', () => {
    const { publish, subscribe } = natsAccountOf('my-orders', ['issuer', 'audit', 'my-orders']).rights;
    const rows = rightsTable('my-orders');
    expect(rows.map(({ verb, subject }) => [verb, subject])).toEqual([
      ...publish.map((subject) => ['publish', subject]),
      ...subscribe.map((subject) => ['subscribe', subject]),
    ]);
    expect(rows.filter(({ why }) => why === '')).toEqual([]);
  });

  it('reaches audit under its own name only, and audit lets in only that', () => {
    const { rights, imports } = natsAccountOf('my-orders', ['my-orders', 'payments']);
    expect(rights.publish.filter((subject) => subject.startsWith('audit'))).toEqual(['audit.my-orders.>']);
    expect(imports).toContainEqual({ kind: 'service', from: 'audit', subject: 'audit.my-orders.>' });
    expect(exportsFor('my-orders')).toEqual([
      '{ service: "audit.my-orders.>", accounts: ["MY-ORDERS"] }',
      '{ stream: "receipts.my-orders", accounts: ["MY-ORDERS"] }',
      '{ service: "reports.my-orders", accounts: ["MY-ORDERS"] }',
    ]);
    const withOurs = natsAccountOf('audit', ['my-orders', 'payments']).exports;
    expect(withOurs).toContainEqual({ kind: 'service', subject: 'audit.my-orders.>', to: ['my-orders'] });
  });

  it('gives streams only to the issuer and audit', () => {
    expect(accountLines(natsAccountOf('my-orders', ['my-orders']), 'my-orders', 'x').join('\n')).not.toContain(
      'jetstream',
    );
  });

  it('is the table of docs/operations.md', () => {
    const cells = (line: string): readonly string[] =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
    const section = operations.split('### What a service needs')[1]?.split('\n#')[0] ?? '';
    const written = section
      .split('\n')
      .filter((line) => /^\| (publish|subscribe) /.test(line))
      .map(cells);
    expect(written).toEqual(rightsTable('orders').map(({ verb, subject, why }) => [verb, `\`${subject}\``, why]));
  });
});
