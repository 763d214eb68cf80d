import "./noCodeGeneration.ts";
import "@vscode/codicons/dist/codicon.css";
import "./theme.css";
import "./app.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { BrowserTransport } from "./browserTransport.ts";
import { type EditorApi, PanelTransport } from "./panelTransport.ts";
import { applyBrowserTheme } from "./theme.ts";

declare global {
  interface Window {
    acquireVsCodeApi?: () => EditorApi;
  }
}

const transport = window.acquireVsCodeApi ? new PanelTransport(window.acquireVsCodeApi()) : new BrowserTransport();
document.documentElement.dataset.host = transport.host;
if (transport.host === "browser") applyBrowserTheme();

const root = document.getElementById("root");
if (!root) throw new Error("The page has no element with the id “root”.");
createRoot(root).render(
  <StrictMode>
    <App transport={transport} />
  </StrictMode>,
);
