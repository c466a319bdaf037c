// What ICU says, by way of Intl: asked by test_icu.py with a question in JSON, answered in JSON.
const asked = JSON.parse(process.argv[2]);
const day = (tag, how, from, count) => {
  const format = new Intl.DateTimeFormat(tag, { ...how, timeZone: "UTC" });
  return [...Array(count).keys()].map((n) => format.format(new Date((from + n) * 86400e3)));
};
const answers = {
  plurals: (tag) => {
    const rules = new Intl.PluralRules(tag);
    return [...Array(2001).keys()].map((n) => rules.select(n));
  },
  digits: (tag) => new Intl.NumberFormat(tag, { useGrouping: false }).format(1234567890),
  persian: (tag) =>
    day("en-u-ca-persian-nu-latn", { year: "numeric", month: "numeric", day: "numeric" }, tag, 29585),
  days: (tag) => day(tag, { month: "long", day: "numeric" }, 20454, 366),
  ago: ([tag, ns]) => {
    const format = new Intl.RelativeTimeFormat(tag, { numeric: "always" });
    return ns.map((n) => format.format(-n, "day"));
  },
};
console.log(JSON.stringify(asked.map(([what, ...rest]) => answers[what](...rest))));
