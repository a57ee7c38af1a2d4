// Found by its name: npm puts Vite at the root or here, as its dependencies allow.
import { build } from 'vite';

await build({ logLevel: 'warn' });
