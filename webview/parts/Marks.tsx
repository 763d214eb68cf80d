/** What is to be known of a run beside its result: cached, edited since, reproduced. Each says more when it is pointed at. */
import { marksOf, type RunSummary } from "#contracts";

export function Marks({ run }: { run: RunSummary }) {
  return marksOf(run).map(({ word, means }) => (
    <span key={word} className="mark" title={means}>
      {word}
    </span>
  ));
}
