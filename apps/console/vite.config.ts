import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { compressed } from './build/compressed.ts';

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { conditions: ['@countersign/source', 'module', 'browser', 'production'] },
  build: {
    target: 'es2023',
    // Neither data: addresses nor an inline script: the content security policy allows none.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
