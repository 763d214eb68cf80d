/** Put in by vite.config.ts: the version of the package the pages were built with. */
declare const __TINO_VERSION__: string;
