/** Open, new and fixed findings over time, as a drawing and as a table. */
import { toMinute } from '../../../reports/outcome.ts';
import type { TrendPoint } from '../../../reports/trend.ts';
import { HEIGHT, WIDTH, describeTrend, toTrendShape } from '../../../reports/trend-shape.ts';

export function Trend({ points }: { points: readonly TrendPoint[] }) {
  if (points.length === 0) return null;
  return (
    <section aria-labelledby="trend">
      <h2 id="trend">Trend</h2>
      <Chart points={points} />
      <details>
        <summary>The same in numbers</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">Open</th>
              <th scope="col">New</th>
              <th scope="col">Fixed</th>
            </tr>
          </thead>
          <tbody>
            {points.map((point) => (
              <tr key={point.batchId}>
                <th scope="row">{toMinute(point.at)}</th>
                <td>{point.open}</td>
                <td>{point.new}</td>
                <td>{point.fixed}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

function Chart({ points }: { points: readonly TrendPoint[] }) {
  const { most, lines, line, area, runs } = toTrendShape(points);
  return (
    <figure class="chart">
      <div class="plot">
        <div class="axis" aria-hidden="true">
          <span>{most}</span>
          <span>{most / 2}</span>
          <span>0</span>
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={describeTrend(points)}
        >
          {lines.map((y) => (
            <line key={y} class="grid" x1={0} x2={WIDTH} y1={y} y2={y} />
          ))}
          <polygon class="area" points={area} />
          <polyline class="trend" points={line} />
          {runs.map((run) => (
            <path key={run.point.batchId} class="dot" d={`M${run.dot.x} ${run.dot.y}h0`} />
          ))}
          {runs.map(({ point, reach, new: up, fixed: down }) => (
            <g key={point.batchId}>
              <title>{`${toMinute(point.at)}: ${point.open} open, ${point.new} new, ${point.fixed} fixed`}</title>
              <rect class="reach" x={reach.x} y={0} width={reach.width} height={HEIGHT} />
              <rect class="new" {...up} />
              <rect class="fixed" {...down} />
            </g>
          ))}
        </svg>
      </div>
      <figcaption>
        <span class="key open">open</span>
        <span class="key new">new</span>
        <span class="key fixed">fixed</span>
        <span class="span">
          {[points[0], points.at(-1)]
            .flatMap((point) => point ?? [])
            .map(({ at }) => toMinute(at).slice(0, 10))
            .filter((date, index, all) => all.indexOf(date) === index)
            .join(' – ')}
        </span>
      </figcaption>
    </figure>
  );
}
