import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const server = process.env.STONECHAT_URL ?? "http://127.0.0.1:9090";

export default defineConfig({
  plugins: [svelte()],
  server: { host: "127.0.0.1", proxy: { "/api": server } },
  build: {
    // The oldest browsers that know light-dark(), which the themes are made of.
    target: ["chrome123", "firefox128", "safari17.5"],
    // The server's content security policy allows files, not data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
