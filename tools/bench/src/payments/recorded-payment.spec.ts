import { paymentAgain, statementsAbout } from './recorded-payment.js';
import { type Step } from './statement-tap.js';

const [from, to] = ['01a21c83-0000-7000-8000-00000000000a', '01a21c83-0000-7000-8000-00000000000b'];
const [payment, other] = ['01a21c83-0000-7000-8000-000000000001', '01a21c83-0000-7000-8000-000000000002'];
const sent = (text: string, values: readonly (string | null)[] = [], connection = 1): Step => ({
  database: 'accounts',
  connection,
  name: undefined,
  text,
  values,
});

describe('a recorded payment', () => {
  it('is what shares an id with the payer, over other statements too, within its transaction', () => {
    const passed = [
      sent('begin'),
      sent('settle', [payment, 'settled']),
      sent('commit'),
      sent('begin', [], 2),
      sent('background work', [other], 2),
      sent('commit', [], 2),
      sent('create', [payment, `{"from":"${from}","to":"${to}"}`]),
      sent('the next of the queue', [null, '5']),
    ];
    expect(statementsAbout(passed, [from, to]).map(({ text }) => text)).toEqual([
      'begin',
      'settle',
      'commit',
      'create',
    ]);
  });

  it('is made again between other accounts, with new ids that fit together', () => {
    const recorded = {
      payer: { from, to },
      at: new Date('2026-11-27T10:00:00.000Z'),
      steps: [sent('create', [payment, null, `{"id":"${payment}","from":"${from}","to":"${to}","at":"2026-11-27"}`])],
    };
    const again = () => paymentAgain(recorded, { from: 'payer', to: 'payee' }).map(({ values }) => values)[0] ?? [];
    const [[id, nothing, json], [second]] = [again(), again()];
    expect(json).toBe(`{"id":"${String(id)}","from":"payer","to":"payee","at":"2026-11-27"}`);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(new Set([payment, id, second]).size).toBe(3);
    expect(nothing).toBeNull();
  });
  it('is made again at another time: what was due half a minute after it is due half a minute from now', () => {
    const recorded = {
      payer: { from, to },
      at: new Date('2026-11-27T10:00:00.000Z'),
      steps: [sent('create', ['2026-11-27T10:00:30.250+00:00', '{"at":"2026-11-27T09:59:59Z","day":"2026-11-27"}'])],
    };
    const [again] = paymentAgain(recorded, { from: 'payer', to: 'payee' }, new Date('2026-12-01T08:00:00.000Z'));
    expect(again?.values).toEqual(['2026-12-01T08:00:30.250Z', '{"at":"2026-12-01T07:59:59.000Z","day":"2026-11-27"}']);
  });
});
