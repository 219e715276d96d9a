typedef long long int64_t;

double soften(double *data, int64_t n, double low, double high) {
  double total = 0;
  double last = 0;
  for (int64_t i = 0; i < n; i++) {
    double x = data[i];
    double y;
    if (x < low) {
      y = low;
    } else if (x > high) {
      y = high;
    } else {
      y = x;
    }
    double mean = (y + last) / 2;
    data[i] = mean;
    total += mean;
    last = y;
  }
  return total;
}
