import { z } from 'zod'
import { auditStore } from '../../../store/audit.ts'
import { at, instant, keyIn, page, pageInput, pageOf, text } from '../fields.ts'
import { operation } from '../operation.ts'

const auditView = z.strictObject({
  id: z.int(), at: instant, actor: z.string(), source: z.string(), action: z.string(), subject: z.string(), detail: z.looseObject({}),
})

export const auditList = operation({
  id: 'auditList', method: 'get', path: '/audit', role: 'auditor',
  summary: 'Every change, newest first: who, from where, what.',
  input: z.strictObject({ subject: text(200).optional(), ...pageInput }),
  output: pageOf(auditView),
  async run(service, _actor, { subject, limit, cursor }) {
    const before = keyIn(cursor, key => /^\d{1,15}$/.test(key) ? Number(key) : undefined)
    const rows = await auditStore(service.db).list({ subject, before, limit: limit + 1 })
    return page(rows, limit, row => String(row.id), row => ({ ...row, detail: { ...row.detail }, at: at(row.at) }))
  },
})
