import { mostKilobytes, mostMs, type Measured } from './measure.ts'

export type About = { certificates: number, times: number, rounds: number, machine: string, database: string }

/** The slowest and largest of every page first asked for; Markdown, so that it can be kept. */
export function reportOf(about: About, measured: readonly Measured[]): string {
  const rows = measured.map(m => `| ${m.over ? '**over**' : 'ok'} | ${m.page.replaceAll('|', '\\|')} | \`${shortened(m.address)}\` | ${m.status} | ${ms(m.p50)} | ${ms(m.p95)} | ${ms(m.quietP95)} | ${ms(m.cpuMs)} | ${ms(m.databaseMs)} | ${m.queries} | ${m.kilobytes.toFixed(1)} |`)
  const over = measured.filter(m => m.over).length
  return [
    `${about.certificates.toLocaleString('en')} certificates, ${about.database}, ${about.machine}; ${measured.length} addresses, ${about.rounds} rounds of ${about.times} each. Milliseconds inside the server; bounds ${mostMs} ms (95th percentile of the quietest round) and ${mostKilobytes} kB.`, '',
    '| verdict | page | address | status | p50 | p95 | p95, quietest round | CPU | database | statements | kB |', '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows, '', over === 0 ? 'Nothing is over.' : `${over} of ${measured.length} are over.`, '',
  ].join('\n')
}

const ms = (value: number): string => value.toFixed(1)
const shortened = (address: string): string => address.length > 90 ? `${address.slice(0, 87)}…` : address
