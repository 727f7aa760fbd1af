import { z } from 'zod'
import { enforcement, standings } from '../../../http/enforcement.ts'
import { listsNow, signersNow } from '../../../http/lateness.ts'
import type { Service } from '../../../http/service.ts'
import { activeSyncStore } from '../../../store/activesync.ts'
import { countStore, type Counts, type CountTopic } from '../../../store/counts.ts'
import { deviceStore } from '../../../store/devices.ts'
import { endingCertificates } from '../../../store/ending.ts'
import { outboxStore } from '../../../store/outbox.ts'
import { contradictionFindings } from '../../../policy/contradictions.ts'
import { at, atOrNull, id, instant, nothing } from '../fields.ts'
import { operation } from '../operation.ts'
import { settingsWarnings } from './settings-warnings.ts'

export const endingDays = 14
const dayMs = 86_400_000
/** More than so many are not counted one by one. */
const most = 100
const shown = 5

const figure = z.strictObject({ key: z.string(), value: z.int() })
const phone = { deviceId: id, personId: id, personName: z.string(), personEmail: z.string(), productType: z.string(), modelName: z.string().nullable() }

const overview = z.strictObject({
  /** Phones with a certificate in force, and when that was counted; null before the first time. */
  phones: z.int(), countedAt: instant.nullable(),
  /** Phones that wait for somebody’s decision: how many (101 stands for more than 100), and some of them. */
  quarantined: z.strictObject({ count: z.int(), items: z.array(z.strictObject({ ...phone, since: instant.nullable(), reason: z.string().nullable() })) }),
  /** Phones whose ActiveSync requests contradicted their certificate, and nobody has looked yet; 101 stands for more than 100. */
  contradictions: z.strictObject({ count: z.int(), items: z.array(z.strictObject({ ...phone, finding: z.enum(contradictionFindings), sentence: z.string(), foundAt: instant })) }),
  /** Certificates that end within 14 days on phones that have no later one; 101 stands for more than 100. */
  ending: z.strictObject({ count: z.int(), items: z.array(z.strictObject({ ...phone, serialNumber: z.string(), notAfter: instant })) }),
  /** What signs, and until when. `late`: it should have been renewed by itself, and was not. */
  signers: z.array(z.strictObject({ authority: z.string(), purpose: z.string(), notAfter: instant, late: z.boolean() })),
  /** The newest list of each authority. `late`: the next is overdue; when a list runs out, front ends refuse everybody. */
  lists: z.array(z.strictObject({ authority: z.string(), crlNumber: z.int(), thisUpdate: instant, nextUpdate: instant, late: z.boolean() })),
  /** Front ends that do not enforce what they should, as their agents say or no longer say. */
  frontEnds: z.array(z.strictObject({ name: z.string(), standing: z.enum(standings), heardAt: instant })),
  /** Mails and webhooks of the last seven days that could not be delivered and were given up; 100 stands for 100 and more. */
  messagesGivenUp: z.int(),
  /** Settings that somebody should look at. */
  warnings: z.array(z.strictObject({ code: z.string(), text: z.string(), danger: z.boolean() })),
  /** By day in UTC, of the last 400 days. What a newer certificate replaced counts as issued, not as revoked. */
  issued: z.array(figure), revoked: z.array(figure),
  /** Certificates in force. */
  models: z.array(z.strictObject({ key: z.string(), name: z.string().nullable(), value: z.int() })), grades: z.array(figure), ends: z.array(figure),
})
export type Overview = z.output<typeof overview>

export const overviewShow = operation({
  id: 'overviewShow', method: 'get', path: '/overview', role: 'auditor',
  summary: 'What needs a person now, what signs until when, and what the certificates in force are.',
  input: nothing, output: overview,
  async run(service) {
    const now = service.now()
    const counts = await countStore(service.db).read()
    return {
      phones: counts.of('phones').get('all') ?? 0, countedAt: atOrNull(counts.countedAt),
      quarantined: await quarantined(service), contradictions: await contradictions(service), ending: await ending(service, now),
      messagesGivenUp: await outboxStore(service.db).givenUp(new Date(now.getTime() - 7 * dayMs)),
      signers: signersNow(service).map(({ notAfter, ...rest }) => ({ ...rest, notAfter: at(notAfter) })),
      lists: (await listsNow(service)).map(({ thisUpdate, nextUpdate, ...rest }) => ({ ...rest, thisUpdate: at(thisUpdate), nextUpdate: at(nextUpdate) })),
      warnings: settingsWarnings(service), frontEnds: await failingFrontEnds(service),
      issued: figures(counts, 'issued'), revoked: figures(counts, 'revoked'), grades: figures(counts, 'grade'), ends: figures(counts, 'ends'),
      models: figures(counts, 'model').map(({ key, value }) => ({ key, value, name: modelName(service, key) })).sort((a, b) => b.value - a.value || (a.key < b.key ? -1 : 1)),
    }
  },
})

const figures = (counts: Counts, topic: CountTopic): { key: string, value: number }[] => [...counts.of(topic)].map(([key, value]) => ({ key, value }))
const modelName = (service: Service, productType: string): string | null => service.catalogue().models.get(productType)?.name ?? null

async function failingFrontEnds(service: Service): Promise<Overview['frontEnds']> {
  return (await enforcement(service)).enforced.filter(({ standing }) => standing !== 'in-force')
    .map(({ frontEnd: { name }, standing, record }) => ({ name, standing, heardAt: at(record.receivedAt) }))
}

async function quarantined(service: Service): Promise<Overview['quarantined']> {
  const rows = await deviceStore(service.db).waiting({ limit: most + 1 })
  return {
    count: rows.length,
    items: rows.slice(0, shown).map(row => ({
      deviceId: row.id, personId: row.personId, personName: row.personName, personEmail: row.personEmail, productType: row.productType, modelName: modelName(service, row.productType),
      since: atOrNull(row.enrollment?.decidedAt ?? null), reason: row.enrollment?.decision?.textForAdmin ?? null,
    })),
  }
}

async function contradictions(service: Service): Promise<Overview['contradictions']> {
  const rows = await activeSyncStore(service.db).open(most + 1)
  return { count: rows.length, items: rows.slice(0, shown).map(row => ({ ...row, foundAt: at(row.foundAt), modelName: modelName(service, row.productType) })) }
}

async function ending(service: Service, now: Date): Promise<Overview['ending']> {
  const rows = await endingCertificates(service.db, now, new Date(now.getTime() + endingDays * dayMs), most + 1)
  return {
    count: rows.length,
    items: rows.slice(0, shown).map(({ serialNumber, notAfter, productType, ...row }) => ({ ...row, productType, modelName: modelName(service, productType), serialNumber: serialNumber.toString('hex'), notAfter: at(notAfter) })),
  }
}
