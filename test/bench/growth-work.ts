/** What is asked of a service again and again while its store grows: each kind of work answers how long each of its requests took, ms. */
import { generateKeyPairSync } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { consoleRouter } from '../../src/console/router.ts'
import { personRouter } from '../../src/console/person/router.ts'
import { toPem } from '../../src/formats/pem.ts'
import { enrollmentDeps } from '../../src/http/enrollment-deps.ts'
import { enrollPhone } from '../../src/phone/enroll.ts'
import { apiQuestions, pathsOf, questionsFor, shownOnce, thingsIn, type Question } from './addresses.ts'
import { ocspRequest } from './check-requests.ts'
import { serialNumberOf } from './check-store.ts'
import type { GrowthStore } from './growth-store.ts'
import { offer } from './load.ts'
import { median } from './growth-report.ts'
import { withPages } from './measure.ts'
import { sizesFor } from './seed.ts'
import { sortsIn } from './sorts.ts'
import type { Served } from '../support/served.ts'

/** @property measure  for each thing that is asked: what it took, the median, ms @property addresses  of these things, where they are several */
export type Work = { readonly name: string, readonly addresses?: readonly string[], measure(round: number): Promise<number[]> }
export type How = { readonly deviceCaDir: string, readonly enrollments: number, readonly revocations: number, readonly times: number }

/** Lists and revocation data are signed within a second: one revocation is measured, and not what the one before it has left to do. */
const pauseMs = 1500

export async function worksOf(store: GrowthStore, how: How): Promise<Work[]> {
  return [await enrolling(store, how), await revoking(store, how), await askingOcsp(store), await checking(store), ...await readingPages(store, how)]
}

/** The whole story, six requests, with keys that the phone made before. */
async function enrolling({ running }: GrowthStore, { deviceCaDir, enrollments }: How): Promise<Work> {
  const key = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey
  const keys = { device: key(1024), bootstrap: key(2048), identity: key(2048) }
  await running.call('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'growth' })
  const { url: link } = await running.call<{ url: string }>('POST', '/invitations', { name: 'Growth', email: 'growth@example.com', devices: 1000 })
  const measure = async (round: number): Promise<number[]> => [median(await timed(enrollments, async index => {
    const outcome = await enrollPhone({ link, product: 'iPhone14,5', build: '20A362', serial: `GROW${String(round * 1000 + index).padStart(8, '0')}`, deviceCaDir, keys, now: () => new Date() })
    if (outcome.outcome !== 'enrolled') throw new Error(`the phone was not enrolled: ${JSON.stringify(outcome).slice(0, 500)}`)
  }))]
  return { name: 'a whole enrollment of a phone', measure }
}

async function revoking({ db, running, headers }: GrowthStore, { revocations }: How): Promise<Work> {
  const ask = client(running.url, headers)
  const good = await db.query<{ serial: string }>(`select encode(c.serial_number, 'hex') as serial from certificates c
    where c.kind = 'device' and c.state = 'issued' and c.enrollment_id is not null and not exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number)
    order by c.created_at desc limit 500`)
  const measure = async (): Promise<number[]> => [median(await timed(revocations, async () => {
    await ask('/api/v1/certificates/revoke', { certificate: good.pop()!.serial, reason: 'keyCompromise' })
  }, pauseMs))]
  return { name: 'one revocation', measure }
}

/** Requests a second, offered for so many seconds, none of them twice: what a small store could remember would look like growth. */
const [rate, seconds] = [500, 2]
const perRound = rate * seconds

/** Others in every round, all over the store. */
const numbersIn = (among: number, round: number): number[] => Array.from({ length: perRound }, (_, index) => (round * perRound + index) * 7919 % among)

async function askingOcsp({ certificates, service, running }: GrowthStore): Promise<Work> {
  const issuer = activeAuthority(service.authorities(), 'issuing')
  const measure = async (round: number): Promise<number[]> => {
    const requests = numbersIn(certificates, round).map(n => ocspRequest(issuer, n, false).toString('base64'))
    return [await offered(running, requests, [200])]
  }
  return { name: 'OCSP, each another serial number', measure }
}

async function checking({ certificates, db, running }: GrowthStore): Promise<Work> {
  const { phones, waiting } = sizesFor(certificates)
  const measure = async (round: number): Promise<number[]> => {
    const asked = await db.query<{ der: Buffer, good: boolean }>(`select c.der, c.not_after > $2 and (r.reason is null or r.reason = 8) as good from certificates c
      left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number where c.serial_number = any($1::bytea[])`, [numbersIn(phones - waiting, round).map(serialNumberOf), new Date()])
    const requests = asked.map(({ der }) => Buffer.from([
      'GET /check/mail HTTP/1.1', 'Host: latchkey.example.com', 'Authorization: Bearer front-end', `X-SSL-Client-Escaped-Cert: ${encodeURIComponent(toPem('CERTIFICATE', der))}`, 'X-Original-URI: /owa/', '', '',
    ].join('\r\n')).toString('base64'))
    return [await offered(running, requests, asked.map(({ good }) => good ? 200 : 403))]
  }
  return { name: '/check, each another certificate', measure }
}

async function offered({ url }: Served, requests: readonly string[], expected: readonly number[]): Promise<number> {
  const { p50, wrong } = await offer({ port: Number(new URL(url).port), rate, seconds, connections: 4, requests, expected })
  if (wrong > 0) throw new Error(`${wrong} of ${requests.length} answers are wrong`)
  return p50
}

/** Every address of the console and every GET of the API, those of one kind together. */
async function readingPages({ service, running, headers }: GrowthStore, { times }: How): Promise<Work[]> {
  const ask = client(running.url, headers)
  const read = client(running.url, headers, () => true)
  const things = await thingsIn(service.db)
  const paths = [...new Set([...pathsOf(consoleRouter(service)), ...pathsOf(personRouter(service, enrollmentDeps(service)))])].filter(path => !path.endsWith('.csv'))
  const sorts = await sortsIn(paths, async path => (await read(path)).body.toString())
  const questions = await withPages([...questionsFor(paths, things, path => sorts.get(path) ?? []), ...apiQuestions(things)], read)
  const kinds = Map.groupBy(questions.filter(({ page }) => !shownOnce(page)), kindOf)
  return [...kinds].sort(([a], [b]) => a < b ? -1 : 1).map(([name, asked]) => ({
    name, addresses: asked.map(({ address }) => address), measure: async () => {
      const medians: number[] = []
      for (const { address } of asked) {
        await ask(address)
        medians.push(median(await timed(times, async () => { await ask(address) })))
      }
      return medians
    },
  }))
}

const lists = ['invitations', 'phones', 'certificates', 'quarantine', 'people', 'records', 'models', 'policy/changes']
const byNumber = new Set(['serial number', 'part of a serial number', 'UDID', 'part of a UDID', 'certificate', 'beginning of a certificate', 'fingerprint', 'fingerprint in pairs', 'three hex digits'])
const byModel = new Set(['model', 'model’s name', 'rare model'])

function kindOf({ page, address }: Question): string {
  if (page.startsWith('api ')) return `API: ${/^api (certList|deviceList|auditList|invitationList|personList)/.exec(page)?.[1] ?? 'everything else that is read'}`
  const [path, ...rest] = page.split(' · ')
  const list = lists.find(name => path === `/console/${name}`)
  if (list === undefined) return 'console: every other page'
  const what = rest.find(each => !each.startsWith('page '))
  if (what !== undefined) return `console, ${list}: found by ${byNumber.has(what) ? 'number' : byModel.has(what) ? 'model' : 'name'}`
  if (/[?&](?:person|email|actor|action|subject|from|until)=/.test(address)) return `console, ${list}: of somebody, of a time`
  const later = rest.length > 0 ? ', later pages' : ''
  return `console, ${list}: ${address.includes('sort=') ? 'in another order' : 'the list'}${later}`
}

async function timed(times: number, act: (index: number) => Promise<void>, pause = 0): Promise<number[]> {
  const all: number[] = []
  for (let index = 0; index < times; index++) {
    const before = performance.now()
    await act(index)
    all.push(performance.now() - before)
    if (pause > 0) await wait(pause)
  }
  return all
}

/** Over one kept connection; what is not answered well is no measurement, and the way to the page for signing in is no page. */
function client(url: string, headers: Readonly<Record<string, string>>, isWell = (status: number): boolean => status < 300): (path: string, body?: unknown) => Promise<{ body: Buffer }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return async (path, body) => await new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { agent, method: body === undefined ? 'GET' : 'POST', headers: { ...headers, ...body !== undefined && { 'content-type': 'application/json' } } }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => { chunks.push(chunk) }).on('error', reject).on('end', () => {
        const body = Buffer.concat(chunks)
        if (isWell(response.statusCode!)) resolve({ body })
        else reject(new Error(`${path}: ${response.statusCode} ${body.toString().slice(0, 300)}`))
      })
    })
    asked.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
}
