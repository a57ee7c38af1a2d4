import fc from 'fast-check';
import { AnswerReader, isToken, refreshTokenIn } from './answers.js';

const answerOf = (body: string, status = '200 OK', header = 'content-length'): Buffer =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${header}: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
  );
const token = answerOf('{"access_token":"a.b.c","refresh_token":"r1"}');

describe('the answers that the mint benchmark reads', () => {
  it('are whole however they arrive, one after the other in the same memory, whatever the case of the header', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 300 }), fc.array(fc.nat({ max: 400 }), { maxLength: 4 }))),
        fc.constantFrom('content-length', 'Content-Length'),
        (parts, header) => {
          const reader = new AnswerReader();
          const memory = Buffer.alloc(2_048);
          for (const [body, cuts] of parts) {
            const answer = answerOf(body, '200 OK', header);
            const inside = cuts.filter((cut) => cut > 0 && cut < answer.length).sort((one, other) => one - other);
            const ends = [...new Set([...inside, answer.length])];
            const taken = ends.map((end, index) => {
              const piece = answer.subarray(ends[index - 1] ?? 0, end);
              memory.set(piece);
              return reader.take(memory, piece.length)?.toString();
            });
            expect(taken).toEqual([...ends.slice(1).map(() => undefined), answer.toString()]);
          }
        },
      ),
    );
  });

  it('are refused without a length, which would never be whole', () => {
    const answer = Buffer.from('HTTP/1.1 200 OK\r\n\r\n{}');
    expect(() => new AnswerReader().take(answer, answer.length)).toThrow('no content-length');
  });

  it('count only with status 200 and an access token', () => {
    expect(isToken(token)).toBe(true);
    expect(isToken(answerOf('{"access_token":"a.b.c"}', '400 Bad Request'))).toBe(false);
    expect(isToken(answerOf('{"error":"invalid_grant"}'))).toBe(false);
  });

  it('give the refresh token that is used next', () => {
    expect(refreshTokenIn(token)).toEqual(['r1']);
    expect(refreshTokenIn(answerOf('{"access_token":"a.b.c"}'))).toEqual([]);
  });
});
