/** One metric of Prometheus' text exposition format, version 0.0.4. */
export type Metric = { name: string, help: string, type: 'gauge' | 'counter', values: { labels: Record<string, string>, value: number }[] }

export const metricsText = (metrics: Metric[]): string => metrics.map(({ name, help, type, values }) =>
  [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...values.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`)].join('\n')).join('\n') + '\n'

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, character => character === '\n' ? '\\n' : `\\${character}`)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
