import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { ErrorBody } from "#contracts";
import { asTinoError, useTransport } from "../engine.tsx";
import { Button } from "./Button.tsx";
import { Failure } from "./states.tsx";

/** Brings the embedded sample into the catalog. */
export function ImportSample() {
  const transport = useTransport();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorBody | null>(null);
  const start = async () => {
    setBusy(true);
    setError(null);
    try {
      const { symbols } = await transport.call("importSample", {});
      queries.setQueryData(["listSymbols", {}], { symbols });
    } catch (cause) {
      setError(asTinoError(cause).body);
    } finally {
      setBusy(false);
    }
  };
  if (error) return <Failure error={error} retry={() => void start()} />;
  return (
    <Button look="primary" icon={busy ? "loading" : "cloud-download"} spin={busy} disabled={busy} onClick={() => void start()}>
      {busy ? "Importing sample data" : "Import sample data"}
    </Button>
  );
}
