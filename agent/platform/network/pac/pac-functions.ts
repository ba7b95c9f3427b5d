// The functions that a proxy auto-configuration script may call (Netscape's of 1996, as MDN describes them), in JavaScript: they
// run in the sandbox together with the script, and the sandbox contains nothing else of ours. They read their input from three
// globals that are set beforehand:
//
//   __names     { host: address | null }: hosts that have been looked up
//   __wanted    hosts that the script asked for and that are not in __names
//   __address   this machine's address

export const PAC_FUNCTIONS = String.raw`
"use strict";
(function (global) {
  var days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
  var months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
  var names = global.__names, wanted = global.__wanted, address = global.__address;

  function look(host) {
    host = String(host).toLowerCase();
    if (number(host) !== null) return host;
    if (Object.prototype.hasOwnProperty.call(names, host)) return names[host];
    if (wanted.indexOf(host) === -1) wanted.push(host);
    throw new Error("not looked up yet: " + host);
  }
  function number(text) {
    var parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(String(text));
    if (parts === null) return null;
    var value = 0;
    for (var i = 1; i <= 4; i++) {
      if (Number(parts[i]) > 255) return null;
      value = value * 256 + Number(parts[i]);
    }
    return value >>> 0;
  }
  function takesGmt(list) {
    var gmt = String(list[list.length - 1]).toUpperCase() === "GMT";
    if (gmt) list.pop();
    return gmt;
  }
  function within(from, now, to) {
    return from <= to ? from <= now && now <= to : now >= from || now <= to;
  }

  global.alert = function () {};
  global.isPlainHostName = function (host) {
    return !/[.:]/.test(String(host));
  };
  global.dnsDomainIs = function (host, domain) {
    return String(host).toLowerCase().endsWith(String(domain).toLowerCase());
  };
  global.localHostOrDomainIs = function (host, full) {
    host = String(host).toLowerCase();
    full = String(full).toLowerCase();
    return host === full || (host.indexOf(".") === -1 && full.startsWith(host + "."));
  };
  global.dnsDomainLevels = function (host) {
    return String(host).split(".").length - 1;
  };
  global.dnsResolve = function (host) {
    return look(host);
  };
  global.isResolvable = function (host) {
    return look(host) !== null;
  };
  global.isInNet = function (host, network, mask) {
    var found = look(host);
    if (found === null) return false;
    var bits = [number(found), number(network), number(mask)];
    if (bits.indexOf(null) !== -1) return false;
    return ((bits[0] & bits[2]) >>> 0) === ((bits[1] & bits[2]) >>> 0);
  };
  global.myIpAddress = function () {
    return address;
  };
  // A shell pattern of * and ?, matched in linear memory and without a regular expression.
  global.shExpMatch = function (text, pattern) {
    text = String(text);
    pattern = String(pattern);
    var t = 0, p = 0, star = -1, mark = 0;
    while (t < text.length) {
      if (p < pattern.length && pattern[p] === "*") {
        star = p++;
        mark = t;
      } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
        p++;
        t++;
      } else if (star !== -1) {
        p = star + 1;
        t = ++mark;
      } else return false;
    }
    while (pattern[p] === "*") p++;
    return p === pattern.length;
  };
  global.weekdayRange = function () {
    var list = [].slice.call(arguments);
    var now = takesGmt(list) ? new Date().getUTCDay() : new Date().getDay();
    var from = days.indexOf(String(list[0]).toUpperCase());
    var to = list.length > 1 ? days.indexOf(String(list[1]).toUpperCase()) : from;
    return from !== -1 && to !== -1 && within(from, now, to);
  };
  // A day, a month or a year, or a range between two of the same form.
  global.dateRange = function () {
    var list = [].slice.call(arguments);
    var gmt = takesGmt(list), date = new Date();
    var today = gmt
      ? { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate() }
      : { year: date.getFullYear(), month: date.getMonth(), day: date.getDate() };
    function field(value) {
      var month = months.indexOf(String(value).toUpperCase());
      if (month !== -1) return { unit: "month", value: month };
      return { unit: Number(value) > 31 ? "year" : "day", value: Number(value) };
    }
    var half = list.length === 1 ? 1 : list.length / 2;
    var from = list.slice(0, half).map(field);
    var to = list.length === 1 ? from : list.slice(half).map(field);
    function weigh(fields, pick) {
      var weight = { year: 10000, month: 100, day: 1 };
      return fields.reduce(function (sum, one) { return sum + weight[one.unit] * pick(one); }, 0);
    }
    var own = function (one) { return one.value; };
    return within(weigh(from, own), weigh(from, function (one) { return today[one.unit]; }), weigh(to, own));
  };
  // An hour, or a range between two times of one to three fields; the last one counts to its end.
  global.timeRange = function () {
    var list = [].slice.call(arguments);
    var gmt = takesGmt(list), date = new Date();
    list = list.map(Number);
    var half = list.length === 1 ? 1 : list.length / 2;
    var from = list.slice(0, half), to = list.length === 1 ? from : list.slice(half);
    function seconds(h, m, s) { return h * 3600 + m * 60 + s; }
    var now = gmt
      ? seconds(date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds())
      : seconds(date.getHours(), date.getMinutes(), date.getSeconds());
    var begin = seconds(from[0], from[1] || 0, from[2] || 0);
    var end = seconds(to[0], to.length > 1 ? to[1] : 59, to.length > 2 ? to[2] : 59);
    return within(begin, now, end);
  };
  delete global.__names;
  delete global.__wanted;
  delete global.__address;
})(globalThis);
`;
