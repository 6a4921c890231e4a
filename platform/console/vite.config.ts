import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../cloudfamily_platform/web/static',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1000,
  },
  server: {
    // `npm run dev` shows the page with hot reload against a platform that runs beside it.
    proxy: Object.fromEntries(['/api', '/signin', '/healthz'].map((path) => [path, 'http://127.0.0.1:8420'])),
  },
});
