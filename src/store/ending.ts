import type { Queryable } from './db.ts'

export type EndingCertificate = { serialNumber: Buffer, notAfter: Date, deviceId: string, personId: string, personName: string, personEmail: string, productType: string }

/** So many that end next are looked at in one statement, and so often at most: nearly all of them are still in force. */
const [atOnce, mostTurns] = [500, 10]

/** Certificates in force that end by then, on phones that have none that lasts longer; the first to end first. */
export async function endingCertificates(db: Queryable, now: Date, until: Date, limit: number): Promise<EndingCertificate[]> {
  const found: EndingCertificate[] = []
  for (let turn = 0; turn < mostTurns && found.length < limit; turn++) {
    // A bounded part first, as the index has it: over all that end, the planner prepares for many more rows than it meets.
    const rows = await db.query<EndingCertificate & { ends: boolean }>(`
      select c.serial_number as "serialNumber", c.not_after as "notAfter", d.id as "deviceId", p.id as "personId", p.name as "personName", p.email as "personEmail", d.product_type as "productType",
        (r.serial_number is null or r.reason = 8) and not exists (select 1 from certificates n
          left join revocations q on q.authority_id = n.authority_id and q.serial_number = n.serial_number
          where n.device_id = c.device_id and n.kind = 'device' and n.state = 'issued' and n.not_after > $2 and (q.serial_number is null or q.reason = 8)) as ends
      from (select authority_id, serial_number, not_after, device_id from certificates
          where kind = 'device' and state = 'issued' and superseded_by is null and not_after > $1 and not_after <= $2 order by not_after, serial_number offset $3 limit ${atOnce}) c
        join devices d on d.id = c.device_id join people p on p.id = d.person_id
        left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
      order by c.not_after, c.serial_number`, [now, until, turn * atOnce])
    found.push(...rows.filter(({ ends }) => ends).map(({ ends: _, ...certificate }) => certificate))
    if (rows.length < atOnce) break
  }
  return found.slice(0, limit)
}
