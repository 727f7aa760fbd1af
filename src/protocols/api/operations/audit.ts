import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import { serializeCsvLine } from '../../../formats/csv.ts'
import { auditOrders, auditStore, type AuditRecord } from '../../../store/audit.ts'
import { at, instant, instantInput, pageInput, pageOf, sortedBy, sortedPage, sortInput, text } from '../fields.ts'
import { operation, type CsvForm } from '../operation.ts'

const auditView = z.strictObject({
  id: z.int(), at: instant, actor: z.string(), source: z.string(), action: z.string(), subject: z.string(), detail: z.looseObject({}),
})
export type AuditView = z.output<typeof auditView>

const viewOf = ({ id, at: instantOf, actor, source, action, subject, detail }: AuditRecord): AuditView => ({ id, at: at(instantOf), actor, source, action, subject, detail: { ...detail } })

const csv: CsvForm = {
  fileName: 'latchkey-records.csv',
  head: serializeCsvLine(['id', 'at', 'who', 'from', 'what', 'subject', 'detail']),
  line: ({ id, at: instantOf, actor, source, action, subject, detail }: AuditView) => serializeCsvLine([id, instantOf, actor, source, action, subject, JSON.stringify(detail)]),
}

export const auditList = operation({
  id: 'auditList', method: 'get', path: '/audit', role: 'auditor', csv,
  summary: 'Every change, newest first or oldest first: who, from where, what.',
  input: z.strictObject({
    subject: text(300).optional(), actor: text(300).optional(),
    /** A whole action (`invitation.end`), or its noun (`invitation`). */
    action: z.string().regex(/^[a-z][a-z-]{0,40}(\.[a-z][a-z-]{0,40})?$/, 'must look like invitation or invitation.end').optional(),
    /** Both are included. */
    from: instantInput.optional(), until: instantInput.optional(),
    sort: sortInput(auditOrders).default('-at'), ...pageInput,
  }),
  output: pageOf(auditView),
  async run(service, _actor, { sort, limit, cursor, ...filter }) {
    const rows = await auditStore(service.db).list({ ...filter, sorted: sortedBy(auditOrders, sort, cursor), limit: limit + 1 })
    return sortedPage(rows, limit, sort, viewOf)
  },
})

export const auditShow = operation({
  id: 'auditShow', method: 'get', path: '/audit/{id}', role: 'auditor',
  summary: 'One change, with all that is on record of it.',
  input: z.strictObject({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
  output: auditView,
  async run(service, _actor, { id }) {
    const found = await auditStore(service.db).find(id)
    if (found === undefined) throw new CaError('not-found', 'there is no record of this number')
    return viewOf(found)
  },
})
