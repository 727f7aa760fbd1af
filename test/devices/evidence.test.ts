import test from 'ava'
import { atLeast, compareGrades, evidenceGrades, evidenceOids, gradeOfOid, worthOf } from '../../src/devices/evidence.ts'

test('a claim is worth less than a list, a list less than a signature, a signature less than an attestation', t => {
  t.deepEqual([...evidenceGrades].reverse().sort(compareGrades), ['claimed', 'listed', 'signed', 'attested'])
  t.true(atLeast('attested', 'signed'))
  t.true(atLeast('signed', 'signed'))
  t.false(atLeast('listed', 'signed'))
})

test('each grade, and test, has an OID of its own under 2.25 with a UUID below it', t => {
  const oids = Object.values(evidenceOids)
  t.is(new Set(oids).size, 5)
  for (const oid of oids) {
    t.regex(oid, /^2\.25\.[1-9]\d*$/)
    const uuid = BigInt(oid.slice(5))
    t.true(uuid < 2n ** 128n)
    t.is((uuid >> 76n) & 0xfn, 4n, 'a random UUID')
  }
  for (const [grade, oid] of Object.entries(evidenceOids)) t.is<unknown, unknown>(gradeOfOid(oid), grade)
  t.is(gradeOfOid('2.25.1'), undefined)
})

test('a simulated phone counts as signed, never as more, and only while it is trusted', t => {
  const fact = (grade: typeof evidenceGrades[number]) => ({ value: 'iPhone14,5', grade, test: true })
  t.deepEqual(evidenceGrades.map(grade => worthOf(fact(grade), true)), ['claimed', 'listed', 'signed', 'signed'])
  t.deepEqual(evidenceGrades.map(grade => worthOf(fact(grade), false)), ['claimed', 'claimed', 'claimed', 'claimed'])
  t.is(worthOf({ value: 'iPhone14,5', grade: 'attested' }, false), 'attested')
})
