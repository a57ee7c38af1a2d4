import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';

// One round of load: `load.js <url> <file with a token a line> <seconds>`; prints requests a second, or why the round does not count.
const [url = '', file = '', seconds = '2'] = process.argv.slice(2);
const tokens = readFileSync(file, 'utf8').trim().split('\n');
let next = Math.floor(Math.random() * tokens.length);

const result = await autocannon({
  url,
  duration: Number(seconds),
  connections: 50,
  requests: [
    {
      method: 'GET',
      ...(tokens.length === 1
        ? { headers: { authorization: `Bearer ${tokens[0] ?? ''}` } }
        : {
            setupRequest: (request) => {
              next = (next + 1) % tokens.length;
              return { ...request, headers: { ...request.headers, authorization: `Bearer ${tokens[next] ?? ''}` } };
            },
          }),
    },
  ],
});
const bad = result.non2xx + result.errors;
process.stdout.write(
  `${JSON.stringify(bad > 0 ? { bad, statuses: result.statusCodeStats } : { answered: result['2xx'], seconds: result.duration })}\n`,
);
