import test from 'ava'
import fc from 'fast-check'
import { CaError } from '../../src/errors.ts'
import { isFormula, parseCsv, serializeCsvLine } from '../../src/formats/csv.ts'

const limits = { maxRecords: 100, maxColumns: 10 }
const cells = (text: string): string[][] => parseCsv(text, limits).map(record => record.cells)

test('a file is read as spreadsheets write it: commas, semicolons or tabs, quotes, CRLF, a byte order mark', t => {
  t.deepEqual(cells('\uFEFFname,email\r\nAda,ada@example.org\r\n'), [['name', 'email'], ['Ada', 'ada@example.org']])
  t.deepEqual(cells('name;email\nAda;ada@example.org'), [['name', 'email'], ['Ada', 'ada@example.org']])
  t.deepEqual(cells('name\temail\n"Lovelace, Ada"\t"say ""hi"""\n'), [['name', 'email'], ['Lovelace, Ada', 'say "hi"']])
  t.deepEqual(cells('a, "b" ,c\n,,\n\n'), [['a', 'b', 'c']])
  t.deepEqual(cells('a,'), [['a', '']])
  t.deepEqual(cells(''), [])
})

test('a record knows the line on which it begins, also after a cell of several lines', t => {
  t.deepEqual(parseCsv('a,b\n"one\ntwo",x\n\nlast,y', limits).map(record => record.line), [1, 2, 5])
})

test('what is not a table is refused by its line, and so is what is too large', t => {
  const refused = (text: string, pattern: RegExp): void => { t.regex(t.throws(() => cells(text), { instanceOf: CaError, code: 'malformed-csv' })!.message, pattern) }
  refused('a,b\n"never closed', /line 2/)
  refused('a,b"c"\n', /line 1/)
  refused('x\n'.repeat(101), /more than 100 lines/)
  refused(','.repeat(11), /more than 10 columns/)
})

test('reading takes time in proportion to the length, whatever stands there', t => {
  for (const text of ['"'.repeat(200_001), ' '.repeat(200_000), '""'.repeat(100_000), '" '.repeat(100_000), `${' '.repeat(200_000)}"a"b`]) {
    try {
      parseCsv(text, limits)
    } catch (error) {
      t.true(error instanceof CaError)
    }
  }
  t.pass()
})

test('no cell that is written begins like a formula, and every other comes back as it was', t => {
  for (const hostile of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1']) t.true(isFormula(hostile))
  t.is(serializeCsvLine(['=HYPERLINK("http://evil")', 'Ada', -5, null]), '"\'=HYPERLINK(""http://evil"")","Ada",-5,\r\n')
  fc.assert(fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), given => {
    fc.pre(given.some(text => text.trim() !== '') && given.every(text => text === text.trim()))
    const back = cells(serializeCsvLine(given))[0]!
    return back.every((cell, index) => !isFormula(cell) && (cell === given[index] || cell === `'${given[index]}`))
  }))
})
