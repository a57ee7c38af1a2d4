// A second, independent issuer as a separate process: publishes a JWKS and signs the subjects that it is asked for, as a cluster or a CI does.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const { publicKey, privateKey } = await generateKeyPair('RS256');
const jwks = JSON.stringify({
  keys: [{ ...(await exportJWK(publicKey)), kid: 'outside-1', alg: 'RS256', use: 'sig' }],
});
const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (url.pathname === '/jwks.json') {
    response.setHeader('content-type', 'application/json').end(jwks);
    return;
  }
  if (url.pathname === '/stalled.json') return;
  if (url.pathname === '/moved.json') {
    response.writeHead(302, { location: '/jwks.json' }).end();
    return;
  }
  const claims = JSON.parse(url.searchParams.get('claims') ?? '{}');
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'outside-1' })
    .setIssuedAt()
    .setExpirationTime(url.searchParams.has('short') ? '30s' : '1h')
    .sign(privateKey)
    .then((token) => response.end(token));
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address().port));
