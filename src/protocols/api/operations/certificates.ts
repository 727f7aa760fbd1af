import { z } from 'zod'
import { type RevocationReason } from '../../../certificates/revoke.ts'
import { toPem } from '../../../formats/pem.ts'
import type { Service } from '../../../http/service.ts'
import { certificateOrders, certificateStore } from '../../../store/certificates.ts'
import { partitionListCovers } from '../../../store/crls.ts'
import { searchCertificates, searchText, type Place } from '../../../store/search.ts'
import { atOrNull, cursorOf, email, id, keyIn, lines, pageInput, parseTimeKey, searchablePageOf, searchInput, searchIsAlone, sortedBy, sortedPage, sortInput, timeKey } from '../fields.ts'
import { operation } from '../operation.ts'
import { certificateFields, certificateView, reasonNames, viewOfCertificate } from './certificate-view.ts'
import { changeRevocation, findCertificate, targetFields, targetIsOne } from './certificate-changes.ts'
import { personIdOf } from './invitations.ts'

const certificatePage = searchablePageOf(certificateView)

export const certList = operation({
  id: 'certList', method: 'get', path: '/certificates', role: 'auditor',
  summary: 'Certificates of devices, newest first or in the order that is asked for; or those that a search finds, newest first.',
  input: z.strictObject({ person: email.optional(), device: id.optional(), search: searchInput, sort: sortInput(certificateOrders).optional(), ...pageInput })
    .refine(...searchIsAlone(['person', 'device', 'sort'])),
  output: certificatePage,
  async run(service, _actor, { person, device: deviceId, search, sort = '-created', limit, cursor }) {
    if (search !== undefined) return await searched(service, search, placeIn(cursor), limit)
    const sorted = sortedBy(certificateOrders, sort, cursor)
    const personId = person === undefined ? undefined : await personIdOf(service.db, person)
    const rows = await certificateStore(service.db).list({ personId, deviceId, sorted, limit: limit + 1 })
    const now = service.now()
    return { ...sortedPage(rows, limit, sort, row => viewOfCertificate(service.authorities(), row, now)), lookedBackTo: null }
  },
})

function placeIn(cursor: string | undefined): Place<Buffer> | undefined {
  const key = keyIn(cursor, parseTimeKey)
  return key === undefined ? undefined : { createdAt: key.createdAt, id: Buffer.from(key.id, 'hex') }
}
const keyOf = ({ createdAt, id: serialNumber }: Place<Buffer>): string => timeKey({ createdAt, id: serialNumber.toString('hex') })

async function searched(service: Service, search: string, before: Place<Buffer> | undefined, limit: number): Promise<z.input<typeof certificatePage>> {
  const text = await searchText(service.db, search, service.catalogue().models.values())
  if (text === undefined) return { items: [], next: null, lookedBackTo: null }
  const { ids, next, lookedBackTo } = await searchCertificates(service.db, text, before, limit)
  const [rows, now] = [await certificateStore(service.db).bySerialNumbers(ids), service.now()]
  return { items: rows.map(row => viewOfCertificate(service.authorities(), row, now)), next: next === undefined ? null : cursorOf(keyOf(next)), lookedBackTo: atOrNull(lookedBackTo ?? null) }
}

export const certShow = operation({
  id: 'certShow', method: 'get', path: '/certificates/{certificate}', role: 'auditor',
  summary: 'One certificate, by serial number or SHA-256 fingerprint.',
  input: z.strictObject({ certificate: targetFields.certificate.unwrap() }),
  output: z.strictObject({
    ...certificateFields,
    pem: z.string().nullable(),
    /** Whether the lists that front ends load say what stands here. */
    published: z.boolean(),
  }),
  async run(service, _actor, { certificate }) {
    const found = await findCertificate(service.db, certificate)
    return {
      ...viewOfCertificate(service.authorities(), found, service.now()),
      pem: found.der === null ? null : toPem('CERTIFICATE', found.der),
      published: found.revocation === null || await partitionListCovers(service.db, found, found.revocation.changeNumber),
    }
  },
})

const changeOutput = z.strictObject({
  /** What this call changed. */
  changed: z.array(z.strictObject({ serialNumber: z.string(), authority: z.string() })),
  /** Certificates that stood so already. */
  unchanged: z.int(),
  /** Invitations of a person who leaves, or of a device that was lost, ended so that their links open nothing. */
  invitationsEnded: z.int(),
  /** `device:…` and `person:…` that get nothing new until they are released. */
  lockedOut: z.array(z.string()),
  letInAgain: z.array(z.string()),
  /** The number of the newest of these changes: a front end whose receipt says it, or a higher one, enforces them. */
  change: z.int().nullable(),
})
const cause = lines(2000).default('')

export const certRevoke = operation({
  id: 'certRevoke', method: 'post', path: '/certificates/revoke', role: 'operator',
  summary: 'Revoke one certificate; all of a person, whose invitations end; or all of a device, which stays out until an admin releases it.',
  input: z.strictObject({
    ...targetFields,
    /** RFC 5280 §5.3.1. */
    reason: z.enum(reasonNames).exclude(['certificateHold']).default('unspecified'),
    /** For the record: why. */
    cause,
  }).refine(...targetIsOne),
  output: changeOutput,
  run: async (service, actor, input) =>
    await changeRevocation(service, actor, input, { verb: 'revoke', reason: input.reason as Exclude<RevocationReason, 'certificateHold'>, cause: input.cause }),
})

export const certHold = operation({
  id: 'certHold', method: 'post', path: '/certificates/hold', role: 'operator',
  summary: 'Hold: like revoking, but it can be taken back. A device or a person on hold gets nothing new.',
  input: z.strictObject({ ...targetFields, cause }).refine(...targetIsOne),
  output: changeOutput,
  run: async (service, actor, input) => await changeRevocation(service, actor, input, { verb: 'hold', cause: input.cause }),
})

export const certRelease = operation({
  id: 'certRelease', method: 'post', path: '/certificates/release', role: 'operator',
  summary: 'Release from hold. A device that was revoked is let in again, which only an admin may do; its certificates stay revoked.',
  input: z.strictObject({ ...targetFields, cause }).refine(...targetIsOne),
  output: changeOutput,
  run: async (service, actor, input) => await changeRevocation(service, actor, input, { verb: 'release', cause: input.cause }),
})
